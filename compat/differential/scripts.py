"""Scripts and functions that run drawn commands, and what they make of the replies."""

import hashlib
import re

from pools import INT64_MAX, ClientId

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:;*-+/()[]{}<>=?!@#$%^&|~ ")
NUMBER = re.compile(rb"-?\d{1,15}(\.\d{1,6})?\Z")
# A nil ends a returned table; false stays.
KEEP = b"local function keep(x) if x==nil then return 'nil' end return x end "

# Runs the commands that its arguments spell, each behind the number of its words.
RUN = (
    b"local out,at={},1 while args[at] do local n=tonumber(args[at]) local words={} "
    b"for i=1,n do words[i]=args[at+i] end at=at+n+1 local r=redis.pcall(unpack(words)) "
    b"if r==nil then r='nil' end out[#out+1]=r end return out"
)
SPELLED = b"local args=ARGV " + RUN

LIBRARY = b"""#!lua name=pool
local function run(keys,args) %s end
redis.register_function('run',run)
redis.register_function{function_name='run_ro',callback=run,flags={'no-writes'}}
redis.register_function{function_name='give',callback=function(keys,args) return {keys,args} end,description='gives'}
redis.register_function('fail',function(keys,args) error(args[1]) end)
redis.register_function('resp3',function(keys,args) redis.setresp(3) return run(keys,args) end)
""" % RUN

LIBRARIES = [
    LIBRARY, LIBRARY, LIBRARY, LIBRARY,
    b"#!lua name=other\nredis.register_function('other',function() return 1 end)",
    b"#!lua name=other\nlocal n=0 redis.register_function('other',function() n=n+1 return n end)",
    b"#!lua name=thief\nredis.register_function('run',function() return 1 end)",
    b"#!lua name=twice\nredis.register_function('a',function() end) redis.register_function('a',function() end)",
    b"#!lua name=none\nreturn 1", b"#!lua name=bad name\nreturn 1", b"#!lua name=b-d\nreturn 1",
    b"#!lua\nreturn 1", b"#!py name=x\nreturn 1", b"return 1", b"#!lua name=x", b"", b"#!lua name=x x=y\nreturn 1",
    b"#!lua name=x\nreturn (", b"#!lua name=x\nredis.call('ping')", b"#!lua name=x\nerror('no')",
    b"#!lua name=x\nredis.register_function('f')", b"#!lua name=x\nredis.register_function('f-g',function() end)",
    b"#!lua name=x\nredis.register_function{function_name='f',callback=function() end,flags={'nosuch'}}",
    b"#!lua name=x\nredis.register_function{function_name='f',callback=function() end,nosuch=1}",
    b"#!lua name=x\nredis.register_function{callback=function() end}",
    b"#!lua name=x\nredis.register_function{function_name='f'}",
    b"#!lua name=x\nredis.register_function('f',1)", b"#!lua name=x\nfoo=1", b"#!lua name=x\nreturn foo",
    b"#!lua name=\"other\"\nredis.register_function('other',function() return 1 end)",
    b"#!LUA 'NAME=other'\nredis.register_function(1,function() return 1 end)", b"#!lua name=\"x\nreturn 1", b"#! lua name=x\nreturn 1",
    b"#!lua name=other\nredis.register_function{function_name=2,description=0.5,callback=function() end}",
    b"#!lua name=x\nredis.register_function{1}", b"#!lua name=x\nredis.register_function{[true]=1}",
    b"#!lua name=x\nredis.register_function(1e16,function() end)",
    b"#!lua name=x\nredis.register_function(1,2,3)", b"#!lua name=x\nredis.register_function()",
]  # fmt: skip

# Expressions without commands: what they return or fail with.
SNIPPETS = [
    b"nosuch", b"nosuch.field", b"redis.nosuch", b"redis.call()", b"redis.pcall()", b"redis.call({})",
    b"redis.pcall({})", b"redis.call('get',nil)", b"redis.pcall('get',true)", b"redis.call(1)",
    b"redis.error_reply('x')", b"redis.error_reply('-MY x')", b"redis.error_reply('')", b"redis.error_reply()",
    b"redis.error_reply(1)", b"redis.error_reply('a','b')", b"redis.error_reply('two words')",
    b"redis.status_reply('x')", b"redis.status_reply('')", b"redis.status_reply()", b"redis.status_reply({})",
    b"redis.status_reply('a\\r\\nb')", b"redis.error_reply('a\\r\\nb')", b"redis.sha1hex('a')", b"redis.sha1hex(1)",
    b"redis.sha1hex()", b"redis.sha1hex({})", b"redis.sha1hex('a','b')", b"redis.setresp()", b"redis.setresp(4)",
    b"redis.setresp('3')", b"redis.setresp({})", b"redis.log(1)", b"redis.log(9,'x')", b"redis.log('x','y')",
    b"redis.replicate_commands()", b"redis.set_repl()", b"redis.set_repl(9)", b"redis.set_repl(redis.REPL_ALL)",
    b"redis.acl_check_cmd('get','k')", b"redis.acl_check_cmd('nosuch')", b"redis.acl_check_cmd()",
    b"redis.acl_check_cmd('get')", b"redis.acl_check_cmd('config','get')", b"redis.LOG_WARNING", b"redis.REPL_NONE",
    b"redis.call('multi')", b"redis.pcall('exec')", b"redis.call('nosuch')", b"redis.pcall('nosuch','x')",
    b"redis.call('config')", b"redis.pcall('config','nosuch')", b"redis.call('eval','return 1','0')",
    b"redis.call('subscribe','x')", b"redis.pcall('xgroup')", b"redis.call('get')", b"redis.pcall('get','a','b')",
    b"tostring(1.5)", b"tostring(1e15)", b"tostring(2^53)", b"tostring(-0)", b"tostring(1/3)", b"1/0", b"-1/0",
    b"0/0", b"2^31", b"2^63", b"-2^63", b"1e300", b"tonumber('0x10')", b"tonumber('x')", b"tonumber('10',3)",
    b"('x'):rep(3)", b"string.format('%5.2f|%d|%s|%q',1/3,3,'a','b\\n')", b"string.format('%d','x')",
    b"#KEYS", b"#ARGV", b"KEYS", b"ARGV", b"KEYS[1]", b"ARGV[1]+1", b"ARGV[1]..{}", b"{} + 1", b"nil..'x'",
    b"unpack(ARGV)", b"select('#',unpack(KEYS))", b"type(os.clock())", b"os.time()", b"next({})", b"rawget(_G,'x')",
    b"setmetatable({},{__index=function() return 7 end}).x", b"pcall(error,'x')", b"{pcall(error,{err='MY x'})}",
    b"{pcall(error)}", b"select(2,pcall(error,'x',0))", b"error()", b"error(nil)", b"error(1)", b"error({})",
    b"error({err='MY x'})", b"error({err=1})", b"error({ok='x'})", b"error('x',0)", b"error('x',2)",
    b"error(redis.error_reply('MY x'))", b"assert(false)", b"assert(nil,'why')", b"assert(1==1,'why')",
    b"string.rep('x',-1)", b"table.concat({1,2,'x'},'-')", b"table.concat({1,{}})", b"loadstring('return 7')()",
    b"loadstring('return (')", b"string.find('abc','b',1,true)", b"string.gsub('abc','%w','%0%0')",
    b"math.floor(3.7)", b"math.huge", b"-math.huge", b"bit.band(7,3)", b"struct.pack('>I2',258)",
    b"cjson.encode({1,2,{a='x'}})", b"cjson.decode('[1,null,2.5]')", b"cjson.decode('{')", b"cjson.null",
    b"cmsgpack.pack(1,'a',{1,2})", b"cmsgpack.unpack(cmsgpack.pack({1,{2}}))", b"coroutine.wrap(function() return 5 end)()",
    b"redis.call('echo',1e16)", b"redis.call('echo',-4.6e18)", b"redis.call('echo',2^62+1024)", b"redis.call('echo',4.7e18)",
    b"redis.call('echo',123456789012345678)", b"redis.call('echo',-2^62)", b"redis.call('echo',9.2e18)", b"redis.call('echo',0/0)",
    b"{redis.call('set',KEYS[1] or 'n',1e17),redis.pcall('incrby',KEYS[1] or 'n',1e16)}",
    b"{redis.pcall('zadd',KEYS[1] or 'n',1.7e18,2^53+2),redis.pcall('zscore',KEYS[1] or 'n',2^53+2)}",
    b"{redis.pcall('hset',KEYS[1] or 'n',1e18,-1e17),redis.pcall('hget',KEYS[1] or 'n',1e18)}",
    b"type(__redis__err__handler)", b"__redis__err__handler('x')", b"select(2,xpcall(function() error({}) end,__redis__err__handler)).line",
    b"redis.breakpoint()", b"redis.REDIS_VERSION_NUM>0", b"collectgarbage('count')>0", b"table.getn({1,2})",
]  # fmt: skip

# Their replies are not for passing on: drawn at random, from a clock, or in an order of the server's own.
UNSETTLED = {
    b"ZRANDMEMBER", b"SRANDMEMBER", b"HRANDFIELD", b"RANDOMKEY", b"SPOP", b"DUMP", b"TIME", b"LASTSAVE", b"XADD",
    b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"HTTL", b"HPTTL", b"HEXPIRETIME", b"HPEXPIRETIME", b"MEMORY",
    b"OBJECT", b"XPENDING", b"XINFO", b"PFDEBUG", b"SCAN", b"LOLWUT", b"XCLAIM", b"XAUTOCLAIM",
}  # fmt: skip

ERRORS = [b"'x'", b"{err='MY x'}", b"{err='x y'}", b"{}", b"nil", b"12", b"redis.error_reply('x')", b"{ok='x'}"]


class Scripted(tuple):
    """A command that runs others. `calls` are those whose replies it gives: one of them as its own
    (`shape` is "one"), or an array of theirs ("each"); else the reply stands for itself. With
    `resp3` maps and sets come in the interpreter's order."""

    def __new__(cls, words, calls=(), shape="own", resp3=False):
        made = super().__new__(cls, words)
        made.calls, made.shape, made.resp3 = tuple(calls), shape, resp3
        return made


def text(word):
    """A word as a string of Lua."""
    shown = (bytes([byte]) if byte in PLAIN else b"\\%03d" % byte for byte in word)
    return b"'" + b"".join(shown) + b"'"


class ScriptWriter:
    """Draws scripts. `draw_command` gives a command whose outcome no clock decides."""

    def __init__(self, rng, pools, draw_command):
        self.rng = rng
        self.pools = pools
        self.draw_command = draw_command

    def command(self):
        """One command that runs a script or a function, or is about them."""
        kind = self.rng.random()
        if kind < 0.52:
            return self._eval()
        if kind < 0.72:
            return self._spelled()
        if kind < 0.86:
            return self._own()
        return self._about()

    def _inner(self):
        while True:
            command = self.draw_command()
            if command is not None and not any(isinstance(word, ClientId) for word in command):
                return command

    # Scripts of their own

    def _eval(self):
        self.keys, self.args = [], []
        calls = [self._inner() for _ in range(self.rng.choice([1, 1, 2, 3]))]
        resp3 = self.rng.random() < 0.25
        body, shape, shown = self._body(calls)
        head = b"redis.setresp(3) " if resp3 else b""
        if self.rng.random() < 0.06:
            head += b"redis.call('select',%s) " % text(self.pools.draw("db")[0])
        return self._sent(self._shebang() + head + body, shown, shape, resp3)

    def _body(self, calls):
        """A script's text, what its reply is made of, and the calls whose replies are in it."""
        form = self.rng.randrange(9)
        first = self._call(calls[0])
        if form < 2 or form == 8 and calls[0][0].upper() in UNSETTLED:
            return b"return redis.%s(%s)" % (self._way(), first), "one", calls[:1]
        if form < 4:
            steps = (b"r[%d]=keep(redis.%s(%s)) " % (at + 1, self._way(), self._call(call)) for at, call in enumerate(calls))
            return KEEP + b"local r={} " + b"".join(steps) + b"return r", "each", calls
        if form == 4:
            return b"return {pcall(redis.call,%s)}" % first, "each", [(b"PCALL",), calls[0]]
        if form == 5:
            why = self.rng.choice(ERRORS)
            return b"redis.%s(%s)\nerror(%s)" % (self._way(), first, why), "own", ()
        if form == 6:
            told = (
                b"local r=redis.pcall(%s) if type(r)~='table' then return type(r) end "
                b"return {r.err and 'err',r.ok and 'ok',r.map and 'map',r.set and 'set',r.double and 'double',#r}"
            )
            return told % first, "own", ()
        if form == 7:
            loop = (
                b"local n=0 for i=1,%d do local r=redis.pcall(%s) "
                b"if type(r)=='table' and r.err then n=n+1 end end return n"
            )
            return loop % (self.rng.randint(1, 4), first), "own", ()
        target = text(self.pools.draw("tkey")[0])
        return b"return redis.%s('append',%s,redis.%s(%s))" % (self._way(), target, self._way(), first), "own", ()

    def _way(self):
        return self.rng.choice([b"call", b"pcall", b"pcall"])

    def _call(self, words):
        """Arguments of redis.call: literals, numbers, and words that come as KEYS and ARGV."""
        return b",".join(self._word(at, word) for at, word in enumerate(words))

    def _word(self, at, word):
        kind = self.rng.random()
        if kind < 0.15 and at:
            self.keys.append(word)
            return b"KEYS[%d]" % len(self.keys)
        if kind < 0.3 and at:
            self.args.append(word)
            return b"ARGV[%d]" % len(self.args)
        # "-0" and the like are not what the number is written as.
        if kind < 0.6 and NUMBER.match(word) and not word.startswith((b"-0", b"0")):
            return word
        return text(word)

    def _shebang(self):
        flags = [b"no-writes", b"allow-oom", b"allow-stale", b"no-cluster", b"allow-cross-slot-keys", b"no-writes,allow-oom"]
        kind = self.rng.random()
        if kind < 0.8:
            return b""
        if kind < 0.9:
            return b"#!lua\n"
        if kind < 0.98:
            return b"#!lua flags=%s\n" % self.rng.choice(flags)
        return self.rng.choice([b"#!lua flags=nosuch\n", b"#!lua flags=no-writes, allow-oom\n", b"#!lua flags=\n", b"#!\"lua\" 'flags=no-writes'\n", b"#!lua \"x\n", b"#!py\n", b"#!lua name=x\n", b"#!lua x\n", b"#!\n"])

    def _sent(self, script, calls, shape, resp3):
        """The command that runs it: EVAL, or EVALSHA of what may have been loaded."""
        rng = self.rng
        count = b"%d" % len(self.keys) if rng.random() < 0.97 else rng.choice([b"-1", b"99", b"x", b""])
        tail = (count, *self.keys, *self.args)
        readonly = b"_RO" if rng.random() < 0.12 else b""
        if rng.random() < 0.08:
            sha = hashlib.sha1(script).hexdigest().encode()
            sha = sha.upper() if rng.random() < 0.2 else sha
            return Scripted((b"EVALSHA" + readonly, sha, *tail), calls, shape, resp3)
        return Scripted((b"EVAL" + readonly, script, *tail), calls, shape, resp3)

    # The one script, and the functions, that run what their arguments spell

    def _spelled(self):
        rng = self.rng
        calls = [self._inner() for _ in range(rng.choice([1, 2, 3, 4]))]
        spelled = [word for call in calls for word in (b"%d" % len(call), *call)]
        kind = rng.random()
        if kind < 0.35:
            name = rng.choice([b"EVALSHA", b"EVALSHA", b"EVALSHA_RO"])
            sha = hashlib.sha1(SPELLED).hexdigest().encode()
            return Scripted((name, sha, b"0", *spelled), calls, "each")
        if kind < 0.5:
            return Scripted((b"EVAL", SPELLED, b"0", *spelled), calls, "each")
        function = rng.choice([b"run", b"run", b"run", b"run_ro", b"resp3", b"RUN"])
        name = rng.choice([b"FCALL", b"FCALL", b"FCALL", b"FCALL_RO"])
        keys = (b"1", b"k") if rng.random() < 0.3 else (b"0",)
        return Scripted((name, function, *keys, *spelled), calls, "each", function == b"resp3")

    # Scripts without commands

    def _own(self):
        self.keys = [self.pools.draw("anykey")[0] for _ in range(self.rng.choice([0, 0, 1, 2]))]
        self.args = [self.pools.draw("value")[0] for _ in range(self.rng.choice([0, 0, 1, 2]))]
        head = b"redis.setresp(3) " if self.rng.random() < 0.2 else b""
        if self.rng.random() < 0.5:
            expression = self.rng.choice(SNIPPETS)
        else:
            expression = self._value(3)
        lead = self.rng.choice([b"", b"\n", b"\n\n", b"local x=1\n"])
        return self._sent(self._shebang() + head + lead + b"return " + expression, (), "own", True)

    def _value(self, depth):
        """An expression whose value becomes a reply."""
        rng = self.rng
        kind = rng.randrange(18 if depth else 9)
        if kind < 9:
            return self._scalar(kind)
        inner = self._value(depth - 1)
        wrapped = [
            b"{%s}", b"{1,%s,'x'}", b"{%s,nil,3}", b"{map={a=%s}}", b"{set={x=%s}}", b"{%s,%s}" if depth < 3 else b"{%s}",
            b"{map={[1]=%s}}", b"{err='MY x',%s}", b"{ok='x',[2]=%s}",
        ]  # fmt: skip
        form = wrapped[kind - 9]
        return form.replace(b"%s", inner)

    def _scalar(self, kind):
        rng = self.rng
        numbers = [b"0", b"-1", b"3.99", b"-3.99", b"1e15", b"9007199254740993", b"1e19", b"-1e19", b"0.5", b"1e17", b"-4.6e18", b"%d" % INT64_MAX]
        doubles = [b"3.14", b"-0.0", b"1e20", b"1e-7", b"3", b"1/0", b"-1/0", b"0/0", b"123456789.125", b"0.1", b"1e15", b"1e17", b"1.7e18", b"-4.6e18", b"2^62", b"4.7e18"]
        return [
            rng.choice(numbers), text(rng.choice([b"", b"x", b"a\r\nb", b"\x00\xff", b"12"])), b"nil", b"true", b"false",
            b"{ok=%s}" % rng.choice([b"'OK'", b"''", b"'a\\nb'", b"1", b"{}"]),
            b"{err=%s}" % rng.choice([b"'x'", b"''", b"'MY x'", b"'a\\r\\nb'", b"5"]),
            b"{double=%s}" % rng.choice(doubles),
            rng.choice([
                b"{big_number='123'}", b"{big_number='a\\nb'}", b"{verbatim_string={format='txt',string='hi'}}",
                b"{verbatim_string={format='markdown',string='hi'}}", b"{verbatim_string={string='hi'}}",
                b"{verbatim_string='x'}", b"{map=1}", b"{set='x'}", b"{}", b"function() end", b"{set={}}", b"{map={}}",
                b"{format='txt',string='x'}", b"redis", b"{double='x'}", b"{big_number=12}",
            ]),
        ][kind]  # fmt: skip

    # SCRIPT and FUNCTION

    def _about(self):
        rng = self.rng
        sha = hashlib.sha1(SPELLED).hexdigest().encode()
        drawn = rng.choice([
            lambda: (b"SCRIPT", b"LOAD", SPELLED),
            lambda: (b"SCRIPT", b"LOAD", SPELLED),
            lambda: (b"SCRIPT", b"LOAD", rng.choice([b"return 1", b"return (", b"", b"#!lua flags=x\nreturn 1", b"#!lua"])),
            lambda: (b"SCRIPT", b"EXISTS", sha, sha.upper(), b"x"),
            lambda: (b"SCRIPT", b"FLUSH", *rng.choice([(), (b"ASYNC",), (b"sync",), (b"NOSUCH",), (b"SYNC", b"x")])),
            lambda: (b"SCRIPT", *rng.choice([(b"KILL",), (b"NOSUCH",), (b"EXISTS",), (b"LOAD",), (b"HELP",)])),
            lambda: (b"FUNCTION", b"LOAD", *rng.choice([(), (b"REPLACE",), (b"REPLACE",), (b"NOSUCH",)]), rng.choice(LIBRARIES)),
            lambda: (b"FUNCTION", b"LOAD", b"REPLACE", LIBRARY),
            lambda: (b"FUNCTION", b"LOAD", b"REPLACE", LIBRARY),
            lambda: (b"FUNCTION", b"LOAD", b"REPLACE", rng.choice(LIBRARIES)),
            lambda: (b"FUNCTION", b"DELETE", rng.choice([b"pool", b"other", b"nosuch"])),
            lambda: (b"FUNCTION", b"FLUSH", *rng.choice([(), (b"ASYNC",), (b"SYNC",), (b"NOSUCH",), (b"SYNC", b"x")])),
            lambda: (b"FUNCTION", b"LIST", *rng.choice([(), (b"WITHCODE",), (b"LIBRARYNAME", b"p*"), (b"LIBRARYNAME",), (b"NOSUCH",), (b"WITHCODE", b"WITHCODE")])),
            lambda: (b"FUNCTION", *rng.choice([(b"STATS",), (b"DUMP",), (b"KILL",), (b"NOSUCH",), (b"HELP",), (b"DELETE",), (b"STATS", b"x")])),
            lambda: (b"FUNCTION", b"RESTORE", b"no payload", *rng.choice([(), (b"FLUSH",), (b"APPEND",), (b"REPLACE",), (b"NOSUCH",)])),
            lambda: (rng.choice([b"FCALL", b"FCALL_RO"]), rng.choice([b"give", b"fail", b"nosuch", b"other", b"GIVE"]),
                     rng.choice([b"0", b"1", b"2", b"x", b"-1", b"9"]), b"a", b"b"),
            lambda: (rng.choice([b"EVALSHA", b"EVALSHA_RO"]), rng.choice([b"x", b"0" * 40, b"0" * 41, b""]), b"0"),
        ])  # fmt: skip
        return Scripted(drawn())
