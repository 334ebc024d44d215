"""What the generator may say: one line a command form, written by hand.

A form is words, with
    {name}      a draw from the pool of that name (pools.py)
    {name+}     one to three draws
    [ ... ]     left out more often than not
    < a | b >   one of the alternatives

and a weight in front. Guided by the syntax of each command, but written as the edges are wanted:
forms that are nearly right stand beside right ones, and the generator spoils some more.
"""

import re

STREAMS = """
30 XADD {skey} [NOMKSTREAM] {addid} {pairs}
6  XADD {skey} [NOMKSTREAM] [{refs}] [{trim}] {addid} {pairs}
1  XADD {autokey} [{trim}] * {pairs}
1  XADD {skey} [{trim}] [{refs}] [NOMKSTREAM] {addid} {value}
4  XTRIM {skey} {trim} [{refs}]
6  XDEL {skey} {entryid+}
5  XDELEX {skey} [{refs}] {idblock}
3  XLEN {skey}
6  XRANGE {skey} {low} {high} [COUNT {count}]
6  XREVRANGE {skey} {high} {low} [COUNT {count}]
4  XREAD [COUNT {count}] STREAMS {skey} {readid}
3  XREAD [COUNT {count}] STREAMS {skey} {skey} {readid} {readid}
4  XREAD [COUNT {count}] BLOCK {blockms} STREAMS {skey} {readid}
2  XREAD BLOCK {blockms} STREAMS {skey} {skey} {readid} $
12 XGROUP CREATE {skey} {group} {groupid} [MKSTREAM] [ENTRIESREAD {entriesread}]
4  XGROUP SETID {skey} {group} {groupid} [ENTRIESREAD {entriesread}]
2  XGROUP DESTROY {skey} {group}
3  XGROUP CREATECONSUMER {skey} {group} {consumer}
3  XGROUP DELCONSUMER {skey} {group} {consumer}
24 XREADGROUP GROUP {group} {consumer} [COUNT {count}] [NOACK] STREAMS {skey} >
6  XREADGROUP GROUP {group} {consumer} [COUNT {count}] STREAMS {skey} {entryid}
3  XREADGROUP GROUP {group} {consumer} [COUNT {count}] STREAMS {skey} {skey} > {groupreadid}
8  XREADGROUP GROUP {group} {consumer} [COUNT {count}] BLOCK {blockms} [NOACK] STREAMS {skey} {groupreadid}
2  XREADGROUP GROUP {group} {consumer} BLOCK {blockms} STREAMS {skey} {skey} > >
10 XACK {skey} {group} {entryid+}
6  XACKDEL {skey} {group} [{refs}] {idblock}
4  XPENDING {skey} {group}
6  XPENDING {skey} {group} [IDLE {idlemin}] {low} {high} {count} [{consumer}]
10 XCLAIM {skey} {group} {consumer} {idlemin} {entryid+} [IDLE {idleset}] [RETRYCOUNT {count}] [FORCE] [JUSTID] [LASTID {entryid}]
3  XCLAIM {skey} {group} {consumer} {idlemin} {entryid+} [TIME {pastms}] [FORCE] [JUSTID]
8  XAUTOCLAIM {skey} {group} {consumer} {idlemin} {low} [COUNT {count}] [JUSTID]
6  XINFO STREAM {skey}
5  XINFO STREAM {skey} FULL [COUNT {count}]
6  XINFO GROUPS {skey}
5  XINFO CONSUMERS {skey} {group}
1  XINFO <HELP | NOSUCH | STREAM>
1  XGROUP <HELP | NOSUCH | CREATE | DESTROY {skey}>
5  XSETID {skey} {entryid} [ENTRIESADDED {entriesread}] [MAXDELETEDID {entryid}]
"""

LISTS = """
20 <LPUSH | RPUSH> {lkey} {value+}
4  <LPUSHX | RPUSHX> {lkey} {value+}
8  <LPOP | RPOP> {lkey} [{count}]
8  LRANGE {lkey} {index} {index}
4  LINDEX {lkey} {index}
4  LSET {lkey} {index} {value}
5  LINSERT {lkey} <BEFORE | AFTER | before> {value} {value}
5  LREM {lkey} {index} {value}
4  LTRIM {lkey} {index} {index}
6  LPOS {lkey} {value} [RANK {index}] [COUNT {count}] [MAXLEN {count}]
3  LLEN {lkey}
8  LMOVE {lkey} {lkey} <LEFT | RIGHT> <LEFT | RIGHT>
3  RPOPLPUSH {lkey} {lkey}
5  LMPOP {numkeys} {lkey} {lkey} <LEFT | RIGHT> [COUNT {count}]
3  LMPOP 1 {lkey} <LEFT | RIGHT> [COUNT {count}]
9  <BLPOP | BRPOP> {lkey+} {timeout}
6  BLMOVE {lkey} {lkey} <LEFT | RIGHT> <LEFT | RIGHT> {timeout}
3  BRPOPLPUSH {lkey} {lkey} {timeout}
6  BLMPOP {timeout} {numkeys} {lkey} {lkey} <LEFT | RIGHT> [COUNT {count}]
"""

ZSETS = """
24 ZADD {zkey} {scored+}
10 ZADD {zkey} [<NX | XX>] [<GT | LT>] [CH] {scored+}
6  ZADD {zkey} [<NX | XX | GT | LT | CH>] INCR {scored}
2  ZADD {zkey} [INCR] [CH] [NX] [XX] [GT] [LT] {scored+}
6  ZINCRBY {zkey} {score} {setmember}
7  ZREM {zkey} {setmember+}
4  ZREMRANGEBYRANK {zkey} {index} {index}
4  ZREMRANGEBYSCORE {zkey} {bound} {bound}
7  <ZPOPMIN | ZPOPMAX> {zkey} [{count}]
6  ZMPOP {numkeys} {zkey} {zkey} <MIN | MAX | min> [COUNT {count}]
3  ZMPOP 1 {zkey} <MIN | MAX> [COUNT {count}]
9  <BZPOPMIN | BZPOPMAX> {zkey+} {timeout}
6  BZMPOP {timeout} {numkeys} {zkey} {zkey} <MIN | MAX> [COUNT {count}]
4  ZSCORE {zkey} {setmember}
4  ZMSCORE {zkey} {setmember+}
2  ZCARD {zkey}
4  ZCOUNT {zkey} {bound} {bound}
6  <ZRANK | ZREVRANK> {zkey} {setmember} [WITHSCORE]
8  ZRANGE {zkey} {index} {index} [REV] [WITHSCORES]
8  ZRANGE {zkey} {bound} {bound} BYSCORE [REV] [LIMIT {index} {index}] [WITHSCORES]
2  ZRANGE {zkey} {index} {index} [BYSCORE] [BYLEX] [LIMIT {index} {index}] [WITHSCORES]
4  ZREVRANGE {zkey} {index} {index} [WITHSCORES]
6  <ZRANGEBYSCORE | ZREVRANGEBYSCORE> {zkey} {bound} {bound} [WITHSCORES] [LIMIT {index} {index}]
4  ZRANGESTORE {zkey} {zkey} {index} {index} [REV]
4  ZRANGESTORE {zkey} {zkey} {bound} {bound} BYSCORE [REV] [LIMIT {index} {index}]
3  ZRANDMEMBER {zkey} [{index}] [WITHSCORES]
4  ZSCAN {zkey} 0 [MATCH {pattern}] [COUNT 1000]
1  ZSCAN {zkey} {badcursor}
1  ZSCAN {zkey} 0 [COUNT {count}] [NOSUCH] [MATCH]
8  <ZUNION | ZINTER> {numkeys} {zkey} {zkey} [WEIGHTS {score} {score}] [AGGREGATE <SUM | MIN | MAX | max | NOSUCH>] [WITHSCORES]
4  ZDIFF {numkeys} {zkey} {zkey} [WITHSCORES]
8  <ZUNIONSTORE | ZINTERSTORE> {zkey} {numkeys} {zkey} {zkey} [WEIGHTS {score} {score}] [AGGREGATE <SUM | MIN | MAX>]
2  <ZUNIONSTORE | ZINTERSTORE> {zkey} 3 {zkey} {zkey} {zkey}
4  ZDIFFSTORE {zkey} {numkeys} {zkey} {zkey}
4  ZINTERCARD {numkeys} {zkey} {zkey} [LIMIT {count}]
8  ZADD {lexkey} {lexscored+}
2  ZREM {lexkey} {setmember+}
4  ZRANGE {lexkey} {lex} {lex} BYLEX [REV] [LIMIT {index} {index}]
5  <ZRANGEBYLEX | ZREVRANGEBYLEX> {lexkey} {lex} {lex} [LIMIT {index} {index}]
3  ZLEXCOUNT {lexkey} {lex} {lex}
2  ZREMRANGEBYLEX {lexkey} {lex} {lex}
2  ZRANGESTORE {lexkey} {lexkey} {lex} {lex} BYLEX [REV] [LIMIT {index} {index}]
2  CONFIG SET zset-max-listpack-entries <0 | 2 | 3 | 128>
1  CONFIG SET zset-max-listpack-value <0 | 1 | 64>
"""

GEO = """
14 GEOADD {gkey} [<NX | XX>] [CH] {placed+}
4  GEODIST {gkey} {placename} {placename} [{unit}]
3  GEOHASH {gkey} {placename+}
3  GEOPOS {gkey} {placename+}
5  GEOSEARCH {gkey} FROMLONLAT {place} BYRADIUS {distance} {unit} [<ASC | DESC>] [COUNT {count} [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
5  GEOSEARCH {gkey} FROMMEMBER {placename} BYBOX {distance} {distance} {unit} [<ASC | DESC>] [COUNT {count}] [WITHCOORD] [WITHDIST] [WITHHASH]
2  GEOSEARCH {gkey} [FROMMEMBER {placename}] [FROMLONLAT {place}] [BYBOX {distance} {distance} {unit}] [BYRADIUS {distance} {unit}] [ANY]
3  GEOSEARCHSTORE {gkey} {gkey} FROMLONLAT {place} BYRADIUS {distance} {unit} [<ASC | DESC>] [COUNT {count}] [STOREDIST] [WITHDIST]
4  <GEORADIUS | GEORADIUS_RO> {gkey} {place} {distance} {unit} [WITHDIST] [WITHCOORD] [COUNT {count}] [<ASC | DESC>]
4  <GEORADIUSBYMEMBER | GEORADIUSBYMEMBER_RO> {gkey} {placename} {distance} {unit} [WITHHASH] [COUNT {count}] [<ASC | DESC>]
2  GEORADIUS {gkey} {place} {distance} {unit} [WITHDIST] [COUNT {count}] <STORE | STOREDIST> {gkey}
2  GEORADIUSBYMEMBER {gkey} {placename} {distance} {unit} [COUNT {count}] <STORE | STOREDIST> {gkey}
"""

HASHES = """
20 HSET {hkey} {hfield} {text} [{hfield} {text}]
3  HMSET {hkey} {hfield} {value} [{hfield} {value}]
4  HSETNX {hkey} {hfield} {value}
6  HGET {hkey} {hfield}
4  HMGET {hkey} {hfield+}
4  HGETALL {hkey}
2  <HKEYS | HVALS | HLEN> {hkey}
3  <HSTRLEN | HEXISTS> {hkey} {hfield}
6  HDEL {hkey} {hfield+}
6  HINCRBY {hkey} {hfield} {integer}
5  HINCRBYFLOAT {hkey} {hfield} {float}
3  HRANDFIELD {hkey} [{index}] [WITHVALUES]
4  HSCAN {hkey} {hcursor} [MATCH {pattern}] [COUNT {count}] [NOVALUES]
6  HEXPIRE {hkey} {seconds} [<NX | XX | GT | LT>] FIELDS {hfields}
5  HPEXPIRE {hkey} {millis} [<NX | XX | GT | LT>] FIELDS {hfields}
3  HEXPIREAT {hkey} {atseconds} [<NX | XX | GT | LT>] FIELDS {hfields}
3  HPEXPIREAT {hkey} {atmillis} [<NX | XX | GT | LT>] FIELDS {hfields}
6  <HTTL | HPTTL | HEXPIRETIME | HPEXPIRETIME> {hkey} FIELDS {hfields}
4  HPERSIST {hkey} FIELDS {hfields}
5  HGETEX {hkey} [<EX {seconds} | PX {millis} | EXAT {atseconds} | PXAT {atmillis} | PERSIST>] FIELDS {hfields}
5  HSETEX {hkey} [<FNX | FXX>] [<EX {seconds} | PX {millis} | EXAT {atseconds} | PXAT {atmillis} | KEEPTTL>] FIELDS {hpairs}
5  HGETDEL {hkey} FIELDS {hfields}
"""

STRINGS = """
12 SET {tkey} {text}
6  SET {tkey} {text} [<NX | XX>] [GET] [<EX {seconds} | PX {millis} | EXAT {atseconds} | PXAT {atmillis} | KEEPTTL>]
1  SET {anykey} {text}
8  GET {tkey}
2  GETDEL {tkey}
4  GETEX {tkey} [<EX {seconds} | PX {millis} | EXAT {atseconds} | PXAT {atmillis} | PERSIST>]
2  SETEX {tkey} {seconds} {text}
2  PSETEX {tkey} {millis} {text}
2  SETNX {tkey} {text}
3  MGET {anykey+}
3  MSET {tkey} {text} [{tkey} {text}]
4  <INCR | DECR> {tkey}
4  <INCRBY | DECRBY> {tkey} {integer}
4  INCRBYFLOAT {tkey} {float}
3  APPEND {tkey} {text}
2  STRLEN {tkey}
1  GETSET {tkey} {text}
1  MSETNX {tkey} {text} [{tkey} {text}]
1  GETRANGE {tkey} {index} {index}
1  SETRANGE {tkey} {offset} {text}
1  SUBSTR {tkey} {index} {index}
"""

SETS = """
16 SADD {ekey} {member+}
2  SADD {ekey} {member} {member} {member} {member} {member} {member} {member}
8  SREM {ekey} {member+}
4  SMOVE {ekey} {ekey} {member}
3  SCARD {ekey}
4  SISMEMBER {ekey} {member}
3  SMISMEMBER {ekey} {member+}
4  SMEMBERS {ekey}
2  SRANDMEMBER {ekey} [{integer}]
2  SPOP {ekey} <1000 | 0 | -1 | x>
3  SADD alone only
2  SPOP alone [<1 | 5 | 0 | -1 | 1 1>]
2  SSCAN {ekey} <0 | 7 | x> [MATCH {memberpattern}] [COUNT {count}]
1  SSCAN {ekey} 0 <NOVALUES | MATCH | COUNT | TYPE set>
5  <SINTER | SUNION | SDIFF> {ekey+}
3  <SINTER | SUNION | SDIFF> {ekey} {ekey} {ekey}
4  <SINTERSTORE | SUNIONSTORE | SDIFFSTORE> {ekey} {ekey+}
1  <SINTERSTORE | SUNIONSTORE | SDIFFSTORE> {anykey} {ekey} {ekey}
4  SINTERCARD {numkeys} {ekey} {ekey} [LIMIT {count}]
1  SINTERCARD {numkeys} {ekey} {ekey} LIMIT {count} LIMIT {count}
"""

BITMAPS = """
8  SETBIT {bkey} {bit} <0 | 1>
2  SETBIT {bkey} {bit} {integer}
4  GETBIT {bkey} {bit}
3  BITCOUNT {bkey}
5  BITCOUNT {bkey} {index} {index} [<BYTE | BIT | bit | x>]
6  BITPOS {bkey} <0 | 1> [{index}]
4  BITPOS {bkey} <0 | 1> {index} {index} [<BYTE | BIT>]
1  BITPOS {bkey} {integer} {index} {index} [<BYTE | x>]
8  BITOP <AND | OR | XOR | DIFF | DIFF1 | ANDOR | ONE | x> {bkey} {bkey} {bkey} [{bkey}]
2  BITOP <NOT | AND | ONE | DIFF> {bkey} {bkey}
1  BITOP NOT {bkey} {bkey} {bkey}
8  BITFIELD {bkey} [OVERFLOW {overflow}] <SET | INCRBY> {fieldtype} {fieldplace} {integer} [GET {fieldtype} {fieldplace}]
4  BITFIELD {bkey} GET {fieldtype} {fieldplace} OVERFLOW {overflow} INCRBY {fieldtype} {fieldplace} {integer} SET {fieldtype} {fieldplace} {integer}
3  BITFIELD {bkey} GET {fieldtype} {fieldplace} [GET {fieldtype} {fieldplace}]
2  BITFIELD_RO {bkey} GET {fieldtype} {fieldplace} [<SET | OVERFLOW SAT GET>] {fieldtype} {fieldplace}
1  <BITFIELD | BITFIELD_RO> {bkey}
3  SET {bkey} {value}
1  GET {bkey}
"""

HYPERLOGLOGS = """
8  PFADD {pkey} {setmember+}
1  PFADD {pkey}
4  PFADD {pkey} {manymembers}
4  PFCOUNT {pkey}
3  PFCOUNT {pkey+}
4  PFMERGE {pkey} {pkey+}
1  PFMERGE {pkey}
2  PFDEBUG <ENCODING | DECODE | TODENSE | NOSUCH> {pkey}
1  CONFIG SET hll-sparse-max-bytes <0 | 30 | 300 | 3000>
1  GET {pkey}
"""

KEYS = """
5  <DEL | UNLINK> {anykey+}
3  SORT <{lkey} | {ekey} | {anykey}> [LIMIT {index} {index}] [<ASC | DESC>] [ALPHA] [STORE {sortdest}]
2  SORT <{lkey} | {ekey}> BY {sortpattern} [LIMIT {index} {index}] [GET {sortpattern}] [<ASC | DESC>] [GET #] [STORE {sortdest}]
1  SORT {lkey} BY nosort [LIMIT {index} {index}] [DESC] [GET #] [STORE {sortdest}]
2  SORT_RO <{lkey} | {ekey}> [LIMIT {index} {index}] [<ASC | DESC>] [ALPHA] [GET {sortpattern}]
2  MSET t1 {integer} t2 {integer} t3 {integer}
1  SADD {ekey} 1 2 3
1  RPUSH {lkey} 3 1 2 2
3  EXISTS {anykey+}
4  TYPE {anykey}
2  TOUCH {anykey+}
2  KEYS {pattern}
2  SCAN {badcursor}
1  RANDOMKEY
4  RENAME {anykey} {anykey}
4  RENAMENX {anykey} {anykey}
4  COPY {anykey} {anykey} [DB {db}] [REPLACE]
3  MOVE {anykey} {db}
3  <EXPIRE | expire> {anykey} {seconds} [<NX | XX | GT | LT>] [<NX | XX | GT | LT>]
3  PEXPIRE {anykey} {millis} [<NX | XX | GT | LT>]
2  EXPIREAT {anykey} {atseconds} [<NX | XX | GT | LT>]
2  PEXPIREAT {anykey} {atmillis} [<NX | XX | GT | LT>]
4  <TTL | PTTL | EXPIRETIME | PEXPIRETIME> {anykey}
3  PERSIST {anykey}
4  RESTORE {anykey} {restorems} {payload} [REPLACE] [ABSTTL] [<IDLETIME {seconds} | FREQ {frequency}>] [FREQ {frequency}]
2  RESTORE {anykey} {restorems} {payload} REPLACE
1  DUMP {anykey}
2  OBJECT <ENCODING | REFCOUNT | IDLETIME | FREQ> {anykey}
1  OBJECT <HELP | NOSUCH | ENCODING>
2  DBSIZE
1  FLUSHDB [<ASYNC | SYNC | NOSUCH>]
1  FLUSHALL [<ASYNC | SYNC>]
2  SWAPDB {db} {db}
5  SELECT {db}
1  SELECT 0
"""

TRANSACTIONS = """
6  MULTI
8  EXEC
2  DISCARD
6  WATCH {anykey+}
2  UNWATCH
"""

CONNECTION = """
3  PING [{value}]
2  ECHO {value}
2  HELLO [<2 | 3 | 4 | 1 | x>] [SETNAME {name}]
1  HELLO <2 | 3> AUTH default {value}
1  AUTH {value}
1  AUTH {name} {value}
1  RESET
1  QUIT
1  CLIENT ID
1  CLIENT GETNAME
2  CLIENT SETNAME {name}
1  CLIENT SETINFO <LIB-NAME | LIB-VER | NOSUCH> {name}
3  CLIENT UNBLOCK {client} [<TIMEOUT | ERROR | NOSUCH>]
1  CLIENT KILL ID {client}
1  CLIENT KILL <ID x | ID 0 | TYPE nosuch | USER nosuch | SKIPME maybe | ADDR 1.2.3.4:5 | MAXAGE 100000 | MAXAGE -1 | 1.2.3.4:5 | x>
1  CLIENT LIST <ID x | TYPE nosuch | TYPE pubsub | NOSUCH | ID>
1  CLIENT NO-EVICT <ON | OFF | NOSUCH>
1  CLIENT NO-TOUCH <ON | OFF | NOSUCH>
1  CLIENT UNPAUSE
1  CLIENT PAUSE <x | -1 | 1.5> [<ALL | NOSUCH>]
1  CLIENT <HELP | NOSUCH | UNBLOCK | UNBLOCK x | KILL | INFO x | REPLY | REPLY x | PAUSE>
1  NOSUCHCOMMAND [{value}] [{value}] [{integer}]
"""

SERVER = """
1  COMMAND GETKEYS XREADGROUP GROUP {group} {consumer} STREAMS {skey} {skey} > >
1  COMMAND GETKEYS {keyed}
1  COMMAND GETKEYS SORT {lkey} [BY w_*] [LIMIT 0 1] [STORE {lkey}] [GET STORE] [STORE x]
1  COMMAND GETKEYSANDFLAGS {keyed}
1  COMMAND GETKEYS <PING | NOSUCH | GET | BLMPOP 0 2 a b LEFT | LMPOP x a LEFT | XREAD STREAMS a>
1  COMMAND INFO <nosuch | nosuch nosuch>
1  COMMAND LIST FILTERBY <NOSUCH x | ACLCAT nosuch | MODULE nosuch | PATTERN xa* | PATTERN lp* | ACLCAT transaction>
1  COMMAND <HELP | NOSUCH | COUNT x | DOCS nosuch>
1  CONFIG GET <nosuch | maxmemory | stream-node-max-* | timeout | databases | maxmemory-policy | list-max-listpack-size | appendonly | save | slowlog-max-len maxclients | proto-max-bulk-len | client-output-buffer-limit>
1  CONFIG SET <stream-node-max-entries | slowlog-max-len | maxmemory-samples | timeout> <nosuch | -1 | 1.5>
2  CONFIG SET stream-node-max-entries <1 | 2 | 3 | 5 | 100>
2  CONFIG SET <set-max-intset-entries | set-max-listpack-entries> <0 | 2 | 3 | 5 | 512>
1  CONFIG SET set-max-listpack-value <0 | 2 | 6 | 64>
1  CONFIG SET <nosuch 1 | timeout | timeout 0 timeout 0 | databases 4 | maxmemory 1gb | maxmemory 0 | appendonly maybe | save x>
1  CONFIG <HELP | NOSUCH | GET | SET | RESETSTAT | RESETSTAT x>
1  TIME
1  MEMORY USAGE {anykey} [SAMPLES {count}]
1  MEMORY <HELP | NOSUCH | USAGE | DOCTOR x | STATS x>
1  SLOWLOG <LEN | RESET | HELP | GET x | GET -2 | NOSUCH | LEN x>
1  LATENCY <LATEST | RESET | RESET nosuch | HISTORY nosuch | GRAPH nosuch | HELP | NOSUCH | HISTORY | HISTOGRAM nosuch>
1  DEBUG SLEEP 0
1  DEBUG OBJECT {anykey}
1  DEBUG <NOSUCH | SLEEP | SET-ACTIVE-EXPIRE 1>
1  LOLWUT VERSION x
"""

# Forms whose arguments are not spoiled: a changed argument would stop the run (a pause that never
# ends), close what the harness itself uses, or make the answer depend on a clock.
UNSPOILED = {b"CLIENT", b"DEBUG", b"CONFIG", b"QUIT", b"SHUTDOWN", b"LOLWUT", b"COMMAND", b"SPOP"}

# Outside what the server promises so far; asked for only where the server lists them.
OPTIONAL = {b"GETSET", b"MSETNX", b"GETRANGE", b"SETRANGE", b"SUBSTR"}

# How often each family speaks; transactions are mostly opened by a script of their own (generate.py).
FAMILIES = [
    (40, STREAMS),
    (26, LISTS),
    (26, ZSETS),
    (8, GEO),
    (18, HASHES),
    (12, STRINGS),
    (14, SETS),
    (7, BITMAPS),
    (4, HYPERLOGLOGS),
    (12, KEYS),
    (4, TRANSACTIONS),
    (4, CONNECTION),
    (2, SERVER),
]


# A draw, a grouping sign, or a word. `>` is also an id; it is taken as one where no choice is open.
TOKEN = re.compile(r"\{\w+\+?\}|[\[\]<>|]|[^\s\[\]<>|{}]+")


def _parse_until(words, at, closers):
    """Parses words to a node list up to one of `closers`; gives nodes and the closer's position."""
    nodes = []
    while at < len(words):
        word = words[at]
        if word in closers:
            return nodes, at
        if word == "[":
            inner, at = _parse_until(words, at + 1, {"]"})
            nodes.append(("optional", inner))
        elif word == "<":
            choices = []
            while True:
                inner, at = _parse_until(words, at + 1, {"|", ">"})
                choices.append(inner)
                if words[at] == ">":
                    break
            nodes.append(("choice", choices))
        elif word.startswith("{"):
            name = word.strip("{}")
            many = name.endswith("+")
            nodes.append(("many" if many else "draw", name.rstrip("+")))
        else:
            nodes.append(("word", word.encode()))
        at += 1
    return nodes, None


def parse_form(text):
    """A form as a tree of nodes: word, draw, many, optional, choice."""
    nodes, at = _parse_until(TOKEN.findall(text), 0, set())
    if at is not None:
        raise ValueError(f"form does not close: {text}")
    return nodes


def load(families, without):
    """[(family weight, [(weight, nodes)])], leaving out forms that start with a name in `without`."""
    table = []
    for family_weight, text in families:
        forms = []
        for line in text.strip().splitlines():
            weight, form = line.split(None, 1)
            if form.split()[0].encode() not in without:
                forms.append((int(weight), parse_form(form)))
        table.append((family_weight, forms))
    return table
