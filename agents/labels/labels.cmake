# From the tables in this folder to C, and what must hold of them: every number once and in order, without a gap within
# its hundred (a retired code keeps its row), every code once, both languages filled. That code and number are those of
# the schema the compiler checks; that none is missing, a test.
function(onward_labels output)
  set(codes "")
  set(rows "")
  set(asserts "")
  foreach(table IN ITEMS groups:service_group services:service_code decline_reasons:decline_reason outcomes:outcome
                         legal_bases:legal_basis)
    string(REPLACE ":" ";" table ${table})
    list(GET table 0 file)
    list(GET table 1 enum)
    string(TOUPPER ${enum} enum)
    set(path ${CMAKE_CURRENT_SOURCE_DIR}/labels/${file}.tsv)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(STRINGS ${path} lines ENCODING UTF-8 REGEX "^[^#]")
    set(before 0)
    foreach(line IN LISTS lines)
      string(REPLACE "\t" ";" fields "${line}")
      list(LENGTH fields count)
      if(count LESS 4 OR count GREATER 5)
        message(FATAL_ERROR "${path}: '${line}': expected number, code, English, Khmer, and perhaps retired")
      endif()
      list(GET fields 0 number)
      list(GET fields 1 code)
      list(GET fields 2 english)
      list(GET fields 3 khmer)
      if(count EQUAL 5)
        list(GET fields 4 retired)
        if(NOT retired STREQUAL "retired")
          message(FATAL_ERROR "${path}: '${line}': expected number, code, English, Khmer, and perhaps retired")
        endif()
      endif()
      math(EXPR next "${before} + 1")
      math(EXPR first "(${before} / 100 + 1) * 100 + 1")
      if(NOT number EQUAL next AND NOT number EQUAL first AND NOT (before EQUAL 0 AND number EQUAL 201))
        message(FATAL_ERROR "${path}: ${number} ${code}: expected ${next}: numbers stand in order, without a gap, each once")
      endif()
      if(code IN_LIST codes)
        message(FATAL_ERROR "${path}: ${code}: stands twice")
      endif()
      if(english STREQUAL "" OR khmer STREQUAL "")
        message(FATAL_ERROR "${path}: ${code}: a label is missing")
      endif()
      set(before ${number})
      list(APPEND codes ${code})
      string(APPEND rows "    {\"${code}\", {\"${english}\", \"${khmer}\"}},\n")
      if(count EQUAL 4)
        string(APPEND asserts "_Static_assert(ONWARD__${enum}__${code} == ${number}, \"${file}.tsv\");\n")
      endif()
    endforeach()
  endforeach()
  file(
    CONFIGURE
    OUTPUT ${output}
    CONTENT "/* Written by agents/labels/labels.cmake. */
#include \"agents/labels.h\"
#include \"proto/case.pb-c.h\"
#include \"proto/onward.pb-c.h\"

@asserts@
const struct label labels[] = {
@rows@};
const size_t label_count = sizeof labels / sizeof labels[0];
"
    @ONLY)
endfunction()
