-- One commit: a step of an incident, changes of records, or both. Everything is
-- checked before anything is written.
--
-- KEYS: the common ones, then
--   1 the incident's hash, 2 events, 3 mail that was read, 4 messages, 5 message_index, 6 tasks
--   7 the alert group that is held or released
--   8 record_kinds
--   9… for each change of a record: the hash of its kind, and the zset of its IDs
-- ARGV, after the name of the call:
--   channel, origin (of the feed)
--   number of the incident ('' when only records change)
--   at, at and the pause between two readings of mail
--   operation (''), reply, the instant before which operations are deleted
--   settled task: class ('' when there is none), destination, token, revision
--   1 when the commit depends on the version; version
--   snapshot: 1 and the body, open, wake_at, listing; or 0 and four ignored values
--   group: 1, always (1 or 0), until; or 0 and two ignored values
--   read_mail
--   the number of events, each: seq, body
--   the number of tasks, each: class, destination, task, 1 when it replaces what
--     its lane holds
--   the number of records, each: kind, id, version (-1: any), delete (1 or 0), body
--   the number of new messages, each: key, body
--   the number of edited messages, each: key, body
-- Answers {result, version, changed}, where changed is 1 if readers can see a
-- change. The result is ok, repeated (the operation was committed before; its
-- reply is the fourth value), conflict, taken, lease_lost, not_found (the incident
-- of the messages), archived (restore it first) or missing_event (an event before
-- these is missing).
local channel, origin, number, at, pause = next_arg(), next_arg(), next_arg(), next_arg(), next_arg()
local operation, reply, delete_before = next_arg(), next_arg(), next_arg()
local class, destination, token, revision = next_arg(), next_arg(), next_arg(), tonumber(next_arg())
local versioned, version = next_arg() == '1', tonumber(next_arg())
local snapshot, body, open, wake_at, listing = next_arg() == '1', next_arg(), next_arg(), next_arg(), next_arg()
local has_group, always, until_instant = next_arg() == '1', next_arg(), next_arg()
local read_mail = tonumber(next_arg())
local function list(width)
  local all = {}
  for n = 1, tonumber(next_arg()) do
    all[n] = {}
    for k = 1, width do all[n][k] = next_arg() end
  end
  return all
end
local events, tasks, records, messages, edits = list(2), list(4), list(5), list(2), list(2)
local has_messages = #messages + #edits > 0
local INCIDENT, EVENTS, MAIL, MESSAGES, MESSAGE_INDEX, TASKS, GROUP, KINDS = key(1), key(2), key(3), key(4), key(5), key(6), key(7), key(8)

if operation ~= '' then
  local earlier = redis.call('HGET', OPERATIONS, operation)
  if earlier then return { 'repeated', 0, 0, earlier } end
end
if class ~= '' and not holds_lease(class, lane_name(number, destination), token) then return { 'lease_lost' } end
local i = nil
if number ~= '' then i = read_incident(INCIDENT) end
if has_messages and not i and not (number ~= '' and snapshot) then return { 'not_found' } end
if versioned and (i and i.v or 0) ~= version then return { 'conflict' } end
local group, holder = nil, ''
if has_group then
  group = redis.call('GET', GROUP)
  if group then
    holder = string.sub(group, 21)
    local held = string.sub(group, 1, 1) == '1' or string.sub(group, 2, 20) > at
    if always == '1' and holder ~= number and held then return { 'taken' } end
  end
  if always ~= '1' and holder == number and i and i.ms > math.max(read_mail, i.rs) then return { 'conflict' } end
end
for n, r in ipairs(records) do
  if r[3] ~= '-1' then
    local stored = redis.call('HGET', key(8 + 2 * n - 1), r[2])
    if (stored and string.match(stored, '^%d+') or '0') ~= r[3] then return { 'conflict' } end
  end
end
if #events > 0 and not (i and i.compact) then
  local length = redis.call('LLEN', EVENTS)
  for n, e in ipairs(events) do
    if tonumber(e[1]) ~= length + n then return { 'missing_event' } end
  end
end
if i and i.compact and (versioned or has_messages) then return { 'archived' } end

-- All checks have passed: from here on everything is written.
for n, r in ipairs(records) do
  local hash, ids = key(8 + 2 * n - 1), key(8 + 2 * n)
  if r[4] == '1' then
    redis.call('HDEL', hash, r[2])
    redis.call('ZREM', ids, r[2])
  else
    local stored = redis.call('HGET', hash, r[2])
    local next_version = (stored and tonumber(string.match(stored, '^%d+')) or 0) + 1
    redis.call('HSET', hash, r[2], string.format('%.0f\n', next_version) .. r[5])
    redis.call('ZADD', ids, 0, r[2])
    redis.call('SADD', KINDS, r[1])
  end
end
local touched = {} -- lanes whose due time may have changed
if class ~= '' then
  local lane = lane_name(number, destination)
  release_lease(class, lane)
  if class == WAKE_CLASS and destination == WAKE then
    if i and i.wr == revision then i.wd, i.wt = '', 0 end
    if i then touched[class .. '|' .. lane] = { class, lane, i.wd } end
  else
    touched[class .. '|' .. lane] = { class, lane, remove_first_task(TASKS, class .. '|' .. destination, revision) }
  end
end
local changed = 0
for _, m in ipairs(messages) do
  local position = redis.call('LLEN', MESSAGES) + 1
  if redis.call('HSETNX', MESSAGE_INDEX, m[1], string.format('%.0f', position)) == 1 then
    redis.call('RPUSH', MESSAGES, encode_message(position, m[1], m[2]))
    changed = 1
  end
end
for _, m in ipairs(edits) do
  local position = tonumber(redis.call('HGET', MESSAGE_INDEX, m[1]) or '')
  if position then
    redis.call('LSET', MESSAGES, position - 1, encode_message(position, m[1], m[2]))
    changed = 1
  end
end
if versioned then
  if not i then
    i = new_incident('0')
    redis.call('ZADD', ALL, number, number)
    if tonumber(redis.call('GET', LAST_NUMBER) or '0') < tonumber(number) then redis.call('SET', LAST_NUMBER, number) end
  end
  if snapshot then
    changed = 1
    i.v, i.o, i.wa = i.v + 1, open, wake_at
    redis.call('HSET', INCIDENT, 'b', body, 'c', at)
    set_listing(number, i, open == '1' and string.format('%.0f ', i.v) .. listing or '')
    if open == '1' then
      redis.call('ZADD', OPEN, number, number)
      redis.call('ZREM', ENDED, number)
    else
      redis.call('ZREM', OPEN, number)
      redis.call('ZADD', ENDED, score(at), number)
    end
    for _, e in ipairs(events) do redis.call('RPUSH', EVENTS, e[2]) end
    if has_group and (always == '1' or holder == number) then
      redis.call('SET', GROUP, always .. until_instant .. number)
      redis.call('HSET', INCIDENT, 'g', GROUP)
      if always ~= '1' then redis.call('PEXPIRE', GROUP, KEEP_GROUP) end
    end
  end
  if read_mail > 0 then
    changed = 1
    local read = math.min(math.max(i.rs, read_mail), i.ms)
    for seq = i.rs + 1, read do
      local field = string.format('m%.0f', seq)
      redis.call('RPUSH', MAIL, string.format('%.0f\n', seq) .. (redis.call('HGET', INCIDENT, field) or ''))
      redis.call('HDEL', INCIDENT, field)
    end
    i.rs, i.rn, i.md = read, pause, ''
    if i.ms > read then i.md = pause end
  end
  for _, t in ipairs(tasks) do
    local lane = lane_name(number, t[2])
    local is_first = true
    if t[4] == '1' then
      replace_tasks(TASKS, t[1] .. '|' .. t[2], t[3])
    else
      is_first = append_task(TASKS, t[1] .. '|' .. t[2], t[3])
    end
    if is_first then
      touched[t[1] .. '|' .. lane] = { t[1], lane, string.sub(t[3], 1, 19) }
    end
  end
  set_wake_up(i)
  local wake_lane = lane_name(number, WAKE)
  touched[WAKE_CLASS .. '|' .. wake_lane] = { WAKE_CLASS, wake_lane, i.wd }
end
if i then
  for _, t in pairs(touched) do set_due(t[1], t[2], t[3]) end
  if versioned then write_incident(INCIDENT, i) end
  if versioned or class ~= '' then set_owing(number, i, TASKS) end
end
if operation ~= '' then
  redis.call('HSET', OPERATIONS, operation, reply)
  redis.call('RPUSH', OPERATIONS_BY_AGE, at .. operation)
  for _ = 1, 20 do
    local oldest = redis.call('LINDEX', OPERATIONS_BY_AGE, 0)
    if not oldest or string.sub(oldest, 1, 19) >= delete_before then break end
    redis.call('LPOP', OPERATIONS_BY_AGE)
    redis.call('HDEL', OPERATIONS, string.sub(oldest, 20))
  end
end
if changed == 1 then publish(channel, origin, number) end
return answer({ 'ok', i and i.v or 0, changed })
