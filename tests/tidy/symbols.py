#!/usr/bin/env python3
"""The pure floors ask nothing of the world: what their archives leave undefined must be another pure floor's, or be in
the table below. usage: symbols.py ARCHIVE..."""
import re
import subprocess
import sys

ALLOWED = [
    # C's memory and text functions, as the compiler may also rename them (_FORTIFY_SOURCE, bcmp)
    r"(__)?(mem(cpy|move|set|cmp|chr)|str(len|chr|rchr|cmp|ncmp|spn|cspn)|v?snprintf)(_chk)?|bcmp|bsearch",
    r"__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__popcount[ds]i2",  # what the compiler itself calls
]
ALLOWED_IN = {
    "onward_base": [r"abort|stderr|(__)?fprintf(_chk)?"],  # must()
    # libcrypto by its families of calls; its readers and writers of files are not among them
    "onward_seal": [
        r"(EVP|OSSL|EC|ECDSA|BN|PEM|PKCS5|PKCS8|X509|RAND|ERR|CRYPTO|OPENSSL|d2i|i2d|ASN1)_\w+",
        r"crypto_sign_(detached|verify_detached|seed_keypair)",  # libsodium
        r"BIO_(new|new_mem_buf|s_mem|s_secmem|free|free_all|read|read_ex|write|write_ex|ctrl|get_mem_data|get_mem_ptr)",
        r"pthread_(once|mutex_(init|lock|unlock|destroy)|key_create|[gs]etspecific)|__tls_get_addr",
    ],
    "onward_schema": [r"protobuf_c_\w+|__assert_fail"],
    "onward_case": [r"protobuf_c_\w+|__assert_fail"],
    "onward_wire": [r"protobuf_c_\w+"],
}
FORBIDDEN = r"\w+_(fp|file|filename|store)|\w+_ex_file|PEM_(read|write)_(?!bio)\w+"


def names(archive, *options):
    lines = subprocess.run(["nm", "-A", *options, archive], check=True, capture_output=True, text=True).stdout
    for line in lines.splitlines():
        where, _, rest = line.rpartition(":")
        yield where.split(":")[1], rest.split()[-1]


def allowed(floor, symbol):
    patterns = ALLOWED + ALLOWED_IN.get(floor, [])
    return any(re.fullmatch(p, symbol) for p in patterns) and not re.fullmatch(FORBIDDEN, symbol)


archives = sys.argv[1:]
defined = {symbol for archive in archives for _, symbol in names(archive, "--defined-only", "--extern-only")}
faults = []
for archive in archives:
    floor = re.sub(r".*/lib|\.a$", "", archive)
    for member, symbol in names(archive, "--undefined-only"):
        if symbol not in defined and not allowed(floor, symbol):
            faults.append(f"{floor}: {member} calls {symbol}: a pure floor does no I/O, reads no clock and allocates "
                          "nothing: do it above, or add the call to tests/tidy/symbols.py with its reason")
print(*sorted(set(faults)), sep="\n", end="\n" if faults else "")
sys.exit(bool(faults))
