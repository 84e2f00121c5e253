/* version: which library this program was linked with, by the C header alone. */
#include <stdio.h>

#include "comptask_upgrade.h"

int main(void) { return printf("version %s, ABI %u\n", ctu_version(), (unsigned)ctu_abi_version()) < 0; }
