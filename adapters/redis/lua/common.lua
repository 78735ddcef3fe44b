-- Prepended to every script.
--
-- Instants are arguments, never the server's time: 19 digits, nanoseconds since
-- 1970, so that comparing the texts compares the instants; '' is no instant. The
-- scores of sorted sets are microseconds, rounded up: a double holds them
-- exactly, and nothing is due early.
--
-- KEYS of every script that changes something begin with:
--   1 answers           hash: what the calls of one process were answered in ten seconds
--   2 last_number       the last incident number that was given out
--   3 all               zset: the number of every incident, by itself
--   4 open              zset: the open ones
--   5 owing             zset: those that owe a task or a wake-up
--   6 ended             zset: those that are not open, by their last change
--   7 archived          zset: the same for those in compact form
--   8 leases            hash: class|lane -> until, due, token
--   9 idle_leases       zset: leased lanes in which nothing is owed, by an hour after the end of the lease
--  10 last_token        the last fencing token that was given out
--  11 operations        hash: operation ID -> reply
--  12 operations_by_age list: instant and operation ID, oldest first
--  13 listed            zset: the lists of open incidents by need, see listed_members
-- followed by two keys for each class in order: due (zset: lanes by when their
-- first task is due) and leased (zset: lanes by when they can be claimed again).
-- A lane is in at most one of due, leased and idle_leases. All of these except 2,
-- 3, 10, 11 and 12 are derived from the incidents, and repair.lua restores them.
--
-- The hash of an incident:
--   v  version           o  '1' when open       p  previous incident of its alert group
--   b  snapshot or stub  z  compact form        c  when it was last changed
--   g  key of its alert group
--   ms last mail         rs last mail read      m<n> mail n, while it is unread
--   rn a reading of mail and the pause: the next mail wakes it then, or at once
--   md when unread mail wakes it                wa its own earliest deadline
--   l  while it is open: a version, a space and its listing (workflow.Listing). If the
--     version is not v, a build that knows no listings has written the incident since
--   wr, ws, wd, wt the standing wake-up: revision, the instant it was last set
--     for, when it is due ('': there is none), how often it was postponed
-- An archived incident has only v, o, p, c, g, z, wr and ws.
--
-- ARGV[1] names the call in answers. A call that is repeated because its answer
-- was lost gets the same answer.
local ANSWERS, LAST_NUMBER, ALL, OPEN, OWING, ENDED, ARCHIVED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local LEASES, IDLE_LEASES, LAST_TOKEN, OPERATIONS, OPERATIONS_BY_AGE = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local LISTED = KEYS[13]
local DUE, LEASED, common_keys = {}, {}, 13
for class in string.gmatch(CLASSES, '%d+') do
  DUE[class], LEASED[class] = KEYS[common_keys + 1], KEYS[common_keys + 2]
  common_keys = common_keys + 2
end
local WAKE = 'wake'

-- key returns the n-th of the keys that follow the common ones.
local function key(n) return KEYS[common_keys + n] end

-- next_arg returns the next argument.
local last_arg = 1
local function next_arg()
  last_arg = last_arg + 1
  return ARGV[last_arg]
end

local earlier_answer = redis.call('HGET', ANSWERS, ARGV[1])
if earlier_answer and SCRIPT ~= 'lease' then return cjson.decode(earlier_answer) end

-- answer stores an answer in case it is lost on the way, and returns it.
local function answer(reply)
  redis.call('HSET', ANSWERS, ARGV[1], cjson.encode(reply))
  if redis.call('HLEN', ANSWERS) == 1 then redis.call('PEXPIRE', ANSWERS, KEEP_ANSWERS) end
  return reply
end

local function score(instant)
  local us = tonumber(string.sub(instant, 1, -4))
  if string.sub(instant, -3) ~= '000' then us = us + 1 end
  return string.format('%.0f', us)
end

local function latest(a, b)
  if a > b then return a end
  return b
end

-- set_due writes into the agenda when a lane is due; '': nothing is owed in it.
local function set_due(class, lane, due)
  local lease = redis.call('HGET', LEASES, class .. '|' .. lane)
  if due == '' then
    redis.call('ZREM', DUE[class], lane)
    redis.call('ZREM', LEASED[class], lane)
    if lease then
      redis.call('ZADD', IDLE_LEASES, string.format('%.0f', tonumber(score(string.sub(lease, 1, 19))) + 3600000000), class .. '|' .. lane)
    end
  elseif lease then
    local ends = string.sub(lease, 1, 19)
    redis.call('ZREM', IDLE_LEASES, class .. '|' .. lane)
    redis.call('ZREM', DUE[class], lane)
    redis.call('HSET', LEASES, class .. '|' .. lane, ends .. due .. string.sub(lease, 39))
    redis.call('ZADD', LEASED[class], score(latest(ends, due)), lane)
  else
    redis.call('ZREM', LEASED[class], lane) -- in case its lease was lost
    redis.call('ZADD', DUE[class], score(due), lane)
  end
end

-- holds_lease reports whether a token is that of a lane's lease.
local function holds_lease(class, lane, token)
  local lease = redis.call('HGET', LEASES, class .. '|' .. lane)
  return lease and string.sub(lease, 39) == token
end

-- release_lease ends the lease of a lane; the caller must call set_due afterwards.
local function release_lease(class, lane)
  redis.call('HDEL', LEASES, class .. '|' .. lane)
  redis.call('ZREM', LEASED[class], lane)
  redis.call('ZREM', IDLE_LEASES, class .. '|' .. lane)
end

-- The small fields of an incident's hash that scripts read and write together.
local FIELDS = { 'v', 'o', 'ms', 'rs', 'rn', 'md', 'wa', 'wr', 'ws', 'wd', 'wt', 'l' }

-- new_incident returns the small fields of an incident that does not exist yet.
local function new_incident(open)
  return { v = 0, o = open, ms = 0, rs = 0, rn = '', md = '', wa = '', wr = 0, ws = '', wd = '', wt = 0, l = '' }
end

-- read_incident returns the small fields of an incident, or nil when it does not
-- exist. The field compact is its compact form when it is archived.
local function read_incident(hash)
  local values = redis.call('HMGET', hash, 'z', unpack(FIELDS))
  if not values[2] then return nil end
  local i = { compact = values[1] }
  for n, name in ipairs(FIELDS) do i[name] = values[n + 1] or '' end
  for _, name in ipairs({ 'v', 'ms', 'rs', 'wr', 'wt' }) do i[name] = tonumber(i[name]) or 0 end
  return i
end

local function write_incident(hash, i)
  local values = {}
  for _, name in ipairs(FIELDS) do
    local value = i[name]
    if type(value) == 'number' then value = string.format('%.0f', value) end
    values[#values + 1] = name
    values[#values + 1] = value
  end
  redis.call('HSET', hash, unpack(values))
end

-- listed_members returns the members of listed for the field l of an incident. Each is
-- a tag ('' for the list of all), the need in 16 digits and the number in 12, with a
-- zero byte between: all have the score 0, so that they are in the order of their text.
local function listed_members(number, listing)
  local members = {}
  local need, tags = string.match(listing, '^%d+ (%d+)(.*)$')
  if not need then return members end
  local place = '\0' .. need .. '\0' .. string.format('%012.0f', tonumber(number))
  members[place] = true
  for tag in string.gmatch(tags, '\n([^\n]*)') do members[tag .. place] = true end
  return members
end

-- set_listing moves an incident that is about to be written in the lists ('': it is in
-- none).
local function set_listing(number, i, listing)
  local place = string.match(listing, ' .*') -- after the version
  if place and place == string.match(i.l, ' .*') then
    i.l = listing
    return
  end
  local before, after = listed_members(number, i.l), listed_members(number, listing)
  for member in pairs(before) do
    if not after[member] then redis.call('ZREM', LISTED, member) end
  end
  for member in pairs(after) do
    if not before[member] then redis.call('ZADD', LISTED, 0, member) end
  end
  i.l = listing
end

-- set_wake_up sets the standing wake-up of an incident that is about to be
-- written: the earlier of its own deadline and its unread mail.
local function set_wake_up(i)
  local due = i.md
  if due == '' or (i.wa ~= '' and i.wa < due) then due = i.wa end
  if due == '' then
    i.wd, i.wt = '', 0
  elseif i.wd ~= due or i.ws ~= due then
    i.wr, i.ws, i.wd, i.wt = i.wr + 1, due, due, 0
  end
end

-- set_owing updates the set of the incidents that owe something.
local function set_owing(number, i, tasks)
  if i.wd ~= '' or redis.call('EXISTS', tasks) == 1 then
    redis.call('ZADD', OWING, number, number)
  else
    redis.call('ZREM', OWING, number)
  end
end

-- lane_name returns the member of the agenda's sets for a destination. It begins
-- with the number in 12 digits, so that lanes with equal scores are in the order
-- of their incidents.
local function lane_name(number, destination)
  return string.format('%012.0f', tonumber(number)) .. ':' .. destination
end

-- The tasks of an incident are one hash: L<lane> holds the first and the last
-- position of a lane, T<lane>|<position> a task: its due time in 19 digits and
-- the attempt, a newline, the revision, a newline, and what only Go reads. Here a
-- lane is class|destination.
local function lane_bounds(tasks, lane)
  local both = redis.call('HGET', tasks, 'L' .. lane)
  if not both then return nil end
  local first, last = string.match(both, '^(%d+) (%d+)$')
  return tonumber(first), tonumber(last)
end

local function task_field(lane, position) return 'T' .. lane .. '|' .. string.format('%.0f', position) end

-- append_task adds a task to the end of its lane, and reports whether it is the
-- only one.
local function append_task(tasks, lane, task)
  local first, last = lane_bounds(tasks, lane)
  if not first then first, last = 1, 0 end
  last = last + 1
  redis.call('HSET', tasks, 'L' .. lane, string.format('%.0f %.0f', first, last), task_field(lane, last), task)
  return first == last
end

-- replace_tasks makes a task the only one of its lane.
local function replace_tasks(tasks, lane, task)
  local first, last = lane_bounds(tasks, lane)
  for n = first or 1, last or 0 do
    if n ~= 1 then redis.call('HDEL', tasks, task_field(lane, n)) end
  end
  redis.call('HSET', tasks, 'L' .. lane, '1 1', task_field(lane, 1), task)
end

-- revision_of returns the revision of a task; 0: it is not a standing task.
local function revision_of(task) return tonumber(string.match(task, '^%d+\n(%d+)\n')) end

-- remove_first_task removes the first task of a lane, unless a newer revision has
-- replaced it, and returns when the task that is then the first is due ('': there
-- is none).
local function remove_first_task(tasks, lane, revision)
  local first, last = lane_bounds(tasks, lane)
  if not first then return '' end
  local task = redis.call('HGET', tasks, task_field(lane, first))
  if revision_of(task) ~= revision then return string.sub(task, 1, 19) end
  redis.call('HDEL', tasks, task_field(lane, first))
  if first == last then
    redis.call('HDEL', tasks, 'L' .. lane)
    return ''
  end
  redis.call('HSET', tasks, 'L' .. lane, string.format('%.0f %.0f', first + 1, last))
  return string.sub(redis.call('HGET', tasks, task_field(lane, first + 1)), 1, 19)
end

-- encode_message returns the element of an incident's list of messages at a
-- position from 1.
local function encode_message(position, message_key, body)
  return string.format('%.0f %.0f ', position, string.len(message_key)) .. message_key .. body
end

-- publish notifies the watchers of other replicas of a change. If the server
-- forbids that, the change is made all the same.
local function publish(channel, origin, number) redis.pcall('PUBLISH', channel, origin .. ' ' .. number) end
