# What a library or a program asks of the system it is loaded on. Read by `. symbols.sh`.
# shellcheck shell=bash

# FILE LIMIT: the symbols that ask for a newer glibc than LIMIT, one a line.
newer_symbols() {
  readelf --wide --dyn-syms "$1" | awk -v limit="$2" '
    function number(version, parts) { split(version, parts, "."); return parts[1] * 1000000 + parts[2] * 1000 + parts[3] }
    $7 == "UND" && match($8, /@GLIBC_[0-9.]+/) {
      if (number(substr($8, RSTART + 7, RLENGTH - 7)) > number(limit)) print $8
    }'
}

# FILE: how many of its symbols ask for a version of glibc at all.
glibc_symbols() {
  readelf --wide --dyn-syms "$1" | awk '$7 == "UND" && $8 ~ /@GLIBC_/ { count++ } END { print count + 0 }'
}

# FILE: the libraries that it needs and that an old system may not have.
strange_libraries() {
  readelf --wide --dynamic "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' |
    grep -vxE 'libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|libgcc_s\.so\.1|ld-linux-(x86-64|aarch64)\.so\.[12]' || true
}

# FILE: what it exports, each with its version node. GNU ld names the node itself among the symbols, as ABS; LLD does not.
exports() {
  readelf --wide --dyn-syms "$1" | awk '$7 != "UND" && $7 != "ABS" && ($5 == "GLOBAL" || $5 == "WEAK") && $8 != "" { print $8 }' | LC_ALL=C sort
}

# FILE: its SONAME.
soname_of() { readelf --dynamic "$1" | sed -n 's/.*(SONAME).*\[\(.*\)\]$/\1/p'; }
