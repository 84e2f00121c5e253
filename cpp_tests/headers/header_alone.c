/* The C header needs nothing before it. */
#include "comptask_upgrade.h"

/* A translation unit must hold something. */
int ctu_header_alone(void) { return (int)CTU_OK; }
