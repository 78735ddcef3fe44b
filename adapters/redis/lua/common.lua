-- Put in front of every script.
--
-- Time comes in as an argument, never from the server: 19 digits, nanoseconds
-- since 1970, so that comparing the texts compares the instants; '' is no time
-- at all. Scores of sorted sets are microseconds, rounded up: a double holds
-- them exactly, and nothing is due early.
--
-- KEYS of every script that changes something begin with:
--   1 tx      hash: what the calls of one process have answered in ten seconds
--   2 number  the last incident number given out
--   3 all     zset: every incident's number, by itself
--   4 open    zset: the open ones
--   5 owing   zset: those with a task or a wake-up
--   6 over    zset: those that are not open, by their last change
--   7 shelf   zset: the same, of those in compact form
--   8 lease   hash: class|lane -> until, due, token
--   9 idle    zset: leased lanes in which nothing is owed, by the end of the lease and an hour
--  10 token   the last fencing token given out
--  11 op      hash: operation -> reply
--  12 ops     list: instant and operation, oldest first
-- and then, for each class in order, due (zset: lanes by when their head is
-- due) and leased (zset: lanes by when they can be claimed again). A lane is
-- in at most one of due, leased and idle. All of these but 2, 3, 10, 11 and 12
-- follow from the incidents, and mend.lua writes them again.
--
-- ARGV[1] names the call in tx. One that comes again, because its answer was
-- lost, is answered as the first time.
local TX, NUMBER, ALL, OPEN, OWING, OVER, SHELF = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local LEASE, IDLE, TOKEN, OP, OPS = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local DUE, LEASED, own = {}, {}, 12
for class in string.gmatch(CLASSES, '%d+') do
  DUE[class], LEASED[class] = KEYS[own + 1], KEYS[own + 2]
  own = own + 2
end
local WAKE = 'wake'

-- key returns the n-th of the script's own keys.
local function key(n) return KEYS[own + n] end

-- take returns the next argument.
local at_arg = 1
local function take()
  at_arg = at_arg + 1
  return ARGV[at_arg]
end

local said = redis.call('HGET', TX, ARGV[1])
if said and SCRIPT ~= 'lease' then return cjson.decode(said) end

-- answer keeps an answer for the case that it is lost, and returns it.
local function answer(reply)
  redis.call('HSET', TX, ARGV[1], cjson.encode(reply))
  if redis.call('HLEN', TX) == 1 then redis.call('PEXPIRE', TX, KEEP_TX) end
  return reply
end

local function score(time)
  local us = tonumber(string.sub(time, 1, -4))
  if string.sub(time, -3) ~= '000' then us = us + 1 end
  return string.format('%.0f', us)
end

local function later(a, b)
  if a > b then return a end
  return b
end

-- index says when a lane is due; '': nothing is owed in it.
local function index(class, lane, due)
  local held = redis.call('HGET', LEASE, class .. '|' .. lane)
  if due == '' then
    redis.call('ZREM', DUE[class], lane)
    redis.call('ZREM', LEASED[class], lane)
    if held then
      redis.call('ZADD', IDLE, string.format('%.0f', tonumber(score(string.sub(held, 1, 19))) + 3600000000), class .. '|' .. lane)
    end
  elseif held then
    local ends = string.sub(held, 1, 19)
    redis.call('ZREM', IDLE, class .. '|' .. lane)
    redis.call('ZREM', DUE[class], lane)
    redis.call('HSET', LEASE, class .. '|' .. lane, ends .. due .. string.sub(held, 39))
    redis.call('ZADD', LEASED[class], score(later(ends, due)), lane)
  else
    redis.call('ZREM', LEASED[class], lane) -- where its lease was lost
    redis.call('ZADD', DUE[class], score(due), lane)
  end
end

-- holds reports whether a token is that of a lane's lease.
local function holds(class, lane, token)
  local held = redis.call('HGET', LEASE, class .. '|' .. lane)
  return held and string.sub(held, 39) == token
end

-- release ends the lease of a lane; index must follow.
local function release(class, lane)
  redis.call('HDEL', LEASE, class .. '|' .. lane)
  redis.call('ZREM', LEASED[class], lane)
  redis.call('ZREM', IDLE, class .. '|' .. lane)
end

-- The small fields of an incident's hash, see Go's fields.
local FIELDS = { 'v', 'o', 'ms', 'rs', 'rn', 'md', 'wa', 'wr', 'ww', 'wd', 'wt' }

-- head reads an incident; nil when it is not there. shelved is set when it is
-- in compact form.
local function head(at_key)
  local values = redis.call('HMGET', at_key, 'z', unpack(FIELDS))
  if not values[2] then return nil end
  local h = { shelved = values[1] }
  for n, name in ipairs(FIELDS) do h[name] = values[n + 1] or '' end
  for _, name in ipairs({ 'v', 'ms', 'rs', 'wr', 'wt' }) do h[name] = tonumber(h[name]) or 0 end
  return h
end

local function put_head(at_key, h)
  local values = {}
  for _, name in ipairs(FIELDS) do
    local value = h[name]
    if type(value) == 'number' then value = string.format('%.0f', value) end
    values[#values + 1] = name
    values[#values + 1] = value
  end
  redis.call('HSET', at_key, unpack(values))
end

-- wake rewrites the standing wake-up of an incident that is about to be put
-- back: the earlier of its own deadline and of its unread mail.
local function wake(h)
  local due = h.md
  if due == '' or (h.wa ~= '' and h.wa < due) then due = h.wa end
  if due == '' then
    h.wd, h.wt = '', 0
  elseif h.wd ~= due or h.ww ~= due then
    h.wr, h.ww, h.wd, h.wt = h.wr + 1, due, due, 0
  end
end

-- owes writes whether an incident owes anything.
local function owes(number, h, tasks)
  if h.wd ~= '' or redis.call('EXISTS', tasks) == 1 then
    redis.call('ZADD', OWING, number, number)
  else
    redis.call('ZREM', OWING, number)
  end
end

-- lane is the member of the agenda's sets for a destination: the number in 12
-- digits first, so that equal scores are in the order of numbers.
local function lane(number, destination)
  return string.format('%012.0f', tonumber(number)) .. ':' .. destination
end

-- The tasks of an incident are one hash: L<lane> holds the first and last
-- position of a lane, T<lane>|<position> a task: its due time in 19 digits,
-- the attempt, after a newline the revision, and after another whatever Go
-- wants to know.
local function bounds(tasks, name)
  local both = redis.call('HGET', tasks, 'L' .. name)
  if not both then return nil end
  local first, last = string.match(both, '^(%d+) (%d+)$')
  return tonumber(first), tonumber(last)
end

local function position(name, n) return 'T' .. name .. '|' .. string.format('%.0f', n) end

local function push(tasks, name, task)
  local first, last = bounds(tasks, name)
  if not first then first, last = 1, 0 end
  last = last + 1
  redis.call('HSET', tasks, 'L' .. name, string.format('%.0f %.0f', first, last), position(name, last), task)
  return first == last
end

-- stand makes a task all that its lane holds.
local function stand(tasks, name, task)
  local first, last = bounds(tasks, name)
  for n = first or 1, last or 0 do
    if n ~= 1 then redis.call('HDEL', tasks, position(name, n)) end
  end
  redis.call('HSET', tasks, 'L' .. name, '1 1', position(name, 1), task)
end

-- revision_of returns that of a task; 0: it is no standing one.
local function revision_of(task) return tonumber(string.match(task, '^%d+\n(%d+)\n')) end

-- pop removes the head of a lane, unless a newer revision stands in its place,
-- and returns the due time of what is the head then; ''.
local function pop(tasks, name, revision)
  local first, last = bounds(tasks, name)
  if not first then return '' end
  local task = redis.call('HGET', tasks, position(name, first))
  if revision_of(task) ~= revision then return string.sub(task, 1, 19) end
  redis.call('HDEL', tasks, position(name, first))
  if first == last then
    redis.call('HDEL', tasks, 'L' .. name)
    return ''
  end
  redis.call('HSET', tasks, 'L' .. name, string.format('%.0f %.0f', first + 1, last))
  return string.sub(redis.call('HGET', tasks, position(name, first + 1)), 1, 19)
end

-- message is what stands in the list of an incident's conversation, in a place
-- from 1.
local function message(place, name, body)
  return string.format('%.0f %.0f ', place, string.len(name)) .. name .. body
end

-- place_of returns where the message with a key stands; nil: nowhere. Older
-- versions kept the keys without their places.
local function place_of(said, talk, name)
  local place = redis.call('HGET', said, name)
  if not place then return nil end
  if place ~= '' then return tonumber(place) end
  for n, text in ipairs(redis.call('LRANGE', talk, 0, -1)) do
    local width, rest = string.match(text, '^%d+ (%d+) (.*)$')
    if rest and string.sub(rest, 1, tonumber(width)) == name then return n end
  end
end

-- tell tells the watchers of other replicas what has changed. Should the
-- server forbid that, the change is made all the same, and whole.
local function tell(channel, origin, number) redis.pcall('PUBLISH', channel, origin .. ' ' .. number) end
