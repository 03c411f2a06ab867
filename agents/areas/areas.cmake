# From the tables in this folder to C, and what must hold of them: every code once, of its scheme's form, with a name; a
# parent, and the same place in another scheme, in a row above. So nobody is their own ancestor, and a search ends.

# onward_area_row(path line): one row, checked against those above it. It adds to the caller's `codes`, and sets its
# `row_<code>`.
function(onward_area_row path line)
  string(REPLACE "\t" ";" fields "${line}")
  list(LENGTH fields count)
  if(count LESS 4 OR count GREATER 6)
    message(FATAL_ERROR "${path}: '${line}': expected scheme, code, parent, English, and perhaps Khmer and the same place")
  endif()
  list(APPEND fields "" "") # those at the end of a row may be missing
  set(index 0)
  foreach(field IN ITEMS scheme code parent english khmer same)
    list(GET fields ${index} ${field})
    math(EXPR index "${index} + 1")
  endforeach()
  set(form_ISO "^[A-Z][A-Z](-[A-Z0-9][A-Z0-9]?[A-Z0-9]?)?$")
  set(form_PCODE "^[A-Z][A-Z][0-9][0-9][0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?$")
  if(NOT scheme STREQUAL "ISO" AND NOT scheme STREQUAL "PCODE")
    message(FATAL_ERROR "${path}: ${code}: scheme '${scheme}': expected ISO or PCODE")
  endif()
  if(NOT code MATCHES "${form_${scheme}}")
    message(FATAL_ERROR "${path}: ${code}: not of the form of ${scheme}, ${form_${scheme}}")
  endif()
  if(code IN_LIST codes)
    message(FATAL_ERROR "${path}: ${code}: stands twice")
  endif()
  if(english STREQUAL "")
    message(FATAL_ERROR "${path}: ${code}: the English name is missing")
  endif()
  if(parent STREQUAL "" AND NOT code MATCHES "^[A-Z][A-Z]$")
    message(FATAL_ERROR "${path}: ${code}: the parent is missing: only a country has none")
  endif()
  foreach(other IN ITEMS "${parent}" "${same}")
    if(NOT other STREQUAL "" AND NOT other IN_LIST codes)
      message(FATAL_ERROR "${path}: ${code}: ${other} stands in no row above")
    endif()
  endforeach()
  list(APPEND codes ${code})
  set(codes ${codes} PARENT_SCOPE)
  set(row_${code}
      "    {\"${code}\", AREA_${scheme}, \"${parent}\", \"${same}\", {\"${english}\", \"${khmer}\"}},\n" PARENT_SCOPE)
endfunction()

# onward_areas(output country...): the table of each country, <country>.tsv, in one array that is sorted by code.
function(onward_areas output)
  set(codes "")
  foreach(country IN LISTS ARGN)
    set(path ${CMAKE_CURRENT_SOURCE_DIR}/areas/${country}.tsv)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(STRINGS ${path} lines ENCODING UTF-8 REGEX "^[^#]")
    foreach(line IN LISTS lines)
      onward_area_row(${path} "${line}")
    endforeach()
  endforeach()
  list(SORT codes)
  set(rows "")
  foreach(code IN LISTS codes)
    string(APPEND rows "${row_${code}}")
  endforeach()
  file(
    CONFIGURE
    OUTPUT ${output}
    CONTENT "/* Written by agents/areas/areas.cmake. */
#include \"agents/areas.h\"

const struct area areas[] = {
@rows@};
const size_t area_count = sizeof areas / sizeof areas[0];
"
    @ONLY)
endfunction()
