"""The libraries that scripts have: random values through cjson, cmsgpack, struct and bit, on Forebay and
on redis-server 8.2.3; what comes out, errors included, has to be the same.

    python3 compat/lua [--seconds 20] [--seed N] [--cases N]
"""

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.server import Server, forebay_binary, oracle_binary
from values import Values

SHOWN_MAX = 12

# A value as text, with the keys of tables in an order of their own: the interpreter's is nobody's promise.
SHOW = b"""local function show(v,d)
local t=type(v)
if t=='number' then return string.format('%.17g',v) end
if t=='string' then return 's'..#v..':'..v end
if t~='table' then return t=='userdata' and 'null' or tostring(v) end
if d>40 then return '...' end
local out={}
for k,x in pairs(v) do out[#out+1]=show(k,d+1)..'='..show(x,d+1) end
table.sort(out)
return '{'..table.concat(out,',')..'}'
end
local function all(...) local out={} for i=1,select('#',...) do out[i]=show((select(i,...)),0) end return out end
"""
# What a case may have changed in cjson, for the next one.
RESTORE = b"""
cjson.encode_sparse_array(false,2,10) cjson.encode_max_depth(1000) cjson.decode_max_depth(1000)
cjson.encode_number_precision(14) cjson.encode_keep_buffer(true) cjson.encode_invalid_numbers(false)
cjson.decode_invalid_numbers(true)
return {tostring(ok),result}
"""


def script(body):
    """A script that runs `body` and gives all it returns, or its error."""
    # Not more than one result of pcall: a debug build of Lua refuses what does not fit its stack.
    return b"%slocal ok,result=pcall(function() return all((function()\n%s\nend)()) end)%s" % (SHOW, body, RESTORE)


def main():
    parser = argparse.ArgumentParser(prog="lua", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to go on")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--cases", type=int, help="end after so many")
    options = parser.parse_args()
    print(f"lua: seed {options.seed} ({options.seconds:g} s)", flush=True)
    differences = 0
    run = 0
    failed = 0
    by_library = {}
    with Server(oracle_binary("redis")) as oracle, Server(forebay_binary()) as subject:
        one, other = oracle.connect(), subject.connect()
        deadline = time.monotonic() + options.seconds
        while time.monotonic() < deadline and differences < SHOWN_MAX:
            if options.cases is not None and run >= options.cases:
                break
            # A seed each, so that one can be run again alone.
            library, body = Values(random.Random(options.seed + run)).case()
            expected, found = (side.call("EVAL", script(body), "0") for side in (one, other))
            run += 1
            by_library[library] = by_library.get(library, 0) + 1
            failed += expected.is_error or expected.value[:1] != [type(expected)("$", b"true")]
            if expected != found:
                differences += 1
                print(f"  differs (seed {options.seed + run - 1}): {body!r}\n    {expected}\n    {found}", flush=True)
    counts = ", ".join(f"{count} {library}" for library, count in sorted(by_library.items()))
    print(f"lua: {run} cases ({counts}; {failed} that fail), {differences} differences")
    # Values that are all refused, or none, would show little.
    return 1 if differences or not run or not 0 < failed < run else 0


sys.exit(main())
