-- What scripts see of Lua: built once for each state, before any script is compiled.
--
-- Lua 5.1 has no tables that cannot be written to. What is to be kept from scripts stands in a table
-- of its own (the content), and scripts hold an empty stand-in whose metatable reads from the content
-- and refuses writes. What looks past metatables (next, rawget, table.insert, ...) is replaced by
-- functions that know the stand-ins.
--
-- Called with what is written in Rust: functions for this file, the libraries, and for a state of
-- functions the libraries that code has while it is loaded. Gives what runs a script, what calls a
-- function, what loads a library of functions, and the stand-in for the globals.

local native, libraries, loading = ...
local raw = _G
local assert, error, getmetatable, loadstring, next = assert, error, getmetatable, loadstring, next
local pcall, rawget, rawset, select, setmetatable = pcall, rawget, rawset, select, setmetatable
local tonumber, tostring, type, xpcall = tonumber, tostring, type, xpcall
local byte, concat, insert = string.byte, table.concat, table.insert
local resume = coroutine.resume

local READONLY = "Attempt to modify a readonly table"

-- Stand-in to content.
local content_of = {}
-- Content to the metatable that scripts are shown for it, if any.
local shown_meta = {}

local function refuse() error(READONLY, 2) end

local function protect(content)
    local stand_in = setmetatable({}, { __index = content, __newindex = refuse })
    content_of[stand_in] = content
    return stand_in
end

local function bad_argument(number, name, wanted, got)
    local text = "bad argument #" .. number .. " to '" .. name .. "' (" .. wanted .. " expected, got "
    error(text .. type(got) .. ")", 3)
end

-- ---------------------------------------------------------------- functions that look past metatables

local function protected_next(stand_in)
    local content = content_of[stand_in]
    return function(_, key) return next(content, key) end
end

local base = {}

for _, name in ipairs({
    "assert", "error", "gcinfo", "ipairs", "rawequal", "select", "tonumber", "tostring", "type",
    "unpack", "_VERSION",
}) do
    base[name] = raw[name]
end

function base.next(t, key)
    local content = content_of[t]
    if content then return next(content, key) end
    if type(t) ~= "table" then bad_argument(1, "next", "table", t) end
    return next(t, key)
end

function base.pairs(t)
    if content_of[t] then return protected_next(t), t, nil end
    if type(t) ~= "table" then bad_argument(1, "pairs", "table", t) end
    return next, t, nil
end

function base.rawget(t, key)
    if type(t) ~= "table" then bad_argument(1, "rawget", "table", t) end
    return rawget(content_of[t] or t, key)
end

function base.rawset(t, key, value)
    if type(t) ~= "table" then bad_argument(1, "rawset", "table", t) end
    if content_of[t] then error(READONLY, 0) end
    return rawset(t, key, value)
end

function base.getmetatable(t)
    local content = content_of[t]
    if content then return shown_meta[content] end
    if type(t) == "string" then return shown_meta.string end
    return getmetatable(t)
end

function base.setmetatable(t, meta)
    if type(t) ~= "table" then bad_argument(1, "setmetatable", "table", t) end
    if meta ~= nil and type(meta) ~= "table" then
        error("bad argument #2 to 'setmetatable' (nil or table expected)", 2)
    end
    if content_of[t] then error(READONLY, 0) end
    local before = getmetatable(t)
    if before ~= nil and (type(before) ~= "table" or rawget(before, "__metatable") ~= nil) then
        error("cannot change a protected metatable", 2)
    end
    return setmetatable(t, meta)
end

-- A script must not be able to switch the collector off for those that come after it.
function base.collectgarbage(option, argument)
    if option == "stop" or option == "restart" then return 0 end
    if option == "setpause" or option == "setstepmul" then return 200 end
    return collectgarbage(option, argument)
end

-- ---------------------------------------------------------------- code made by scripts

-- Bytecode can be made up so that it breaks the interpreter: only text is compiled.
local function compile(text, name)
    if byte(text) == 27 then
        return nil, "[string \"LuaQ\"]:1: unexpected symbol near 'char(27)'"
    end
    return loadstring(text, name)
end

function base.loadstring(text, name)
    if type(text) == "number" then text = tostring(text) end
    if type(text) ~= "string" then bad_argument(1, "loadstring", "string", text) end
    return compile(text, name or text)
end

function base.load(reader, name)
    if type(reader) ~= "function" then bad_argument(1, "load", "function", reader) end
    local parts, count = {}, 0
    while true do
        local part = reader()
        if part == nil or part == "" then break end
        if type(part) ~= "string" then return nil, "reader function must return a string" end
        count = count + 1
        parts[count] = part
    end
    return compile(concat(parts), name or "=(load)")
end

-- ---------------------------------------------------------------- catching errors

-- Errors raised by Rust are values that scripts do not know: `caught` makes of one what Redis gives
-- to pcall (a text), `shown` what it gives to other handlers. Neither returns while the script is
-- being killed.

local function settle(ok, ...)
    if ok then return true, ... end
    local e = ...
    if type(e) == "table" then
        native.check()
        local text = e.err
        if type(text) == "string" or type(text) == "number" then return false, text end
        return false, e
    end
    return false, native.caught(e)
end

function base.pcall(...)
    if select("#", ...) == 0 then return false end
    return settle(pcall(...))
end

local function settle_shown(ok, ...)
    if ok then return true, ... end
    return false, native.shown((...))
end

function base.xpcall(f, handler)
    return settle_shown(xpcall(f, function(e) return handler(native.shown(e)) end))
end

-- Functions have none.
base.__redis__err__handler = native.placed

-- ---------------------------------------------------------------- libraries

local function copy(from)
    local to = {}
    for key, value in next, from do to[key] = value end
    return to
end

local strings = copy(raw.string)
local tables = copy(raw.table)
local maths = copy(raw.math)
local coroutines = copy(raw.coroutine)

maths.random = native.random
maths.randomseed = native.randomseed

function tables.insert(t, ...)
    if content_of[t] then error(READONLY, 0) end
    local count = select("#", ...)
    if type(t) ~= "table" then bad_argument(1, "insert", "table", t) end
    if count == 1 then return insert(t, (...)) end
    if count ~= 2 then error("wrong number of arguments to 'insert'", 2) end
    local position = ...
    if tonumber(position) == nil then bad_argument(2, "insert", "number", position) end
    return insert(t, ...)
end

function tables.foreach(t, f)
    if type(t) ~= "table" then bad_argument(1, "foreach", "table", t) end
    for key, value in next, content_of[t] or t do
        local found = f(key, value)
        if found ~= nil then return found end
    end
end

function coroutines.resume(...)
    return settle_shown(resume(...))
end

base.string = protect(strings)
base.table = protect(tables)
base.math = protect(maths)
base.coroutine = protect(coroutines)
base.os = protect({ clock = raw.os.clock })
for name, content in next, libraries do base[name] = protect(content) end

-- Methods of strings come from the same functions.
getmetatable("").__index = strings
shown_meta.string = protect({ __index = base.string })

-- ---------------------------------------------------------------- globals

local function missing(_, key)
    error("Script attempted to access nonexistent global variable '" .. tostring(key) .. "'", 2)
end

setmetatable(base, { __index = missing })
local globals = protect(base)
base._G = globals
shown_meta[base] = protect({ __index = missing })

local failed = native.failed

local function run(f, keys, argv)
    base.KEYS = keys
    base.ARGV = argv
    return xpcall(f, failed)
end

local function run_function(f, keys, argv)
    return xpcall(function() return f(keys, argv) end, failed)
end

local loading_base = setmetatable({}, { __index = missing })
for name, content in next, loading do
    loading_base[name] = protect(setmetatable(content, { __index = missing }))
end

-- While a library is loaded its globals are others; the functions that it makes find all of them
-- when they are called.
local function load_library(chunk)
    local meta = getmetatable(globals)
    meta.__index = loading_base
    local ok = xpcall(chunk, failed)
    meta.__index = base
    return ok
end

return run, run_function, load_library, globals
