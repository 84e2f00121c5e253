/* libhdfs is linked against the two entry points of libjvm. These stand in for them and pass on to the libjvm that the
 * process has loaded, so that neither the library nor a program linked with it needs a JVM to start. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* JNI_ERR of the Java Native Interface. */
static const int kJniError = -1;

/* jni.h would make both visible to the whole program; jint is an int, and the rest are pointers. */
HIDDEN int JNI_GetCreatedJavaVMs(void** machines, int capacity, int* count);
HIDDEN int JNI_CreateJavaVM(void** machine, void** environment, void* arguments);

typedef int (*GetCreated)(void**, int, int*);
typedef int (*Create)(void**, void**, void*);

/* What a symbol of libjvm is; NULL where there is no libjvm. It is never given back: a JVM does not end. */
static void* Find(const char* name, int flags) {
  void* library = dlopen("libjvm.so", flags);
  return library == NULL ? NULL : dlsym(library, name);
}

int JNI_GetCreatedJavaVMs(void** machines, int capacity, int* count) {
  union {
    void* symbol;
    GetCreated function;
  } found = {Find("JNI_GetCreatedJavaVMs", RTLD_LAZY | RTLD_NOLOAD)};
  *count = 0;
  /* Without a libjvm there is no JVM, which is an answer and no error. */
  return found.symbol == NULL ? 0 : found.function(machines, capacity, count);
}

/* A host that is linked with the static library may call this one, so it loads what the host counted on. */
int JNI_CreateJavaVM(void** machine, void** environment, void* arguments) {
  union {
    void* symbol;
    Create function;
  } found = {Find("JNI_CreateJavaVM", RTLD_LAZY | RTLD_GLOBAL)};
  return found.symbol == NULL ? kJniError : found.function(machine, environment, arguments);
}
