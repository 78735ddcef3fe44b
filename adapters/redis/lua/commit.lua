-- One commit: a step of an incident, changes of records, or both. Everything
-- is checked before anything is written.
--
-- KEYS: the common ones, then
--   1 the incident's hash, 2 events, 3 mail that was read, 4 talk, 5 places in talk, 6 tasks
--   7 the alert group that is held or given up
--   8 the kinds of records there are
--   9… for each change of a record: the hash of its kind, and the zset of its IDs
-- ARGV, after the call:
--   channel, origin (of the feed)
--   number of the incident ('' when only records change)
--   at, at and the pause between two readings of mail
--   operation (''), reply, the instant before which operations are forgotten
--   settle: class ('' when nothing is settled), destination, token, revision
--   based: 1 when the version counts; version
--   snapshot: 1 and the body, open, wake_at; or 0 and nothing
--   group: 1, always (1 or 0), until, the pause; or 0
--   read_mail
--   how many events, each: seq, body
--   how many tasks, each: class, destination, task, 1 when it takes the place
--     of what its lane holds
--   how many records, each: kind, id, version (-1: any), deletes (1 or 0), body
--   how many messages, each: key, body
--   how many messages that take the place of those there, each: key, body
-- Answers {what, version, changed}: ok, repeat (the operation was committed
-- before; its reply is the fourth), conflict, taken, lost (the lease), missing (what it is
-- said in), shelved (restore it first), gap (an event is missing).
local channel, origin, number, at, pause = take(), take(), take(), take(), take()
local operation, reply, forget = take(), take(), take()
local class, destination, token, revision = take(), take(), take(), tonumber(take())
local based, version = take() == '1', tonumber(take())
local snapshot, body, open, wake_at = take() == '1', take(), take(), take()
local grouped, always, till = take() == '1', take(), take()
local read_mail = tonumber(take())
local function list(width)
  local all = {}
  for n = 1, tonumber(take()) do
    all[n] = {}
    for k = 1, width do all[n][k] = take() end
  end
  return all
end
local events, tasks, records, messages, replacements = list(2), list(4), list(5), list(2), list(2)
local talks = #messages + #replacements > 0
local HEAD, EVENTS, MAIL, TALK, SAID, TASKS, GROUP, KINDS = key(1), key(2), key(3), key(4), key(5), key(6), key(7), key(8)

if operation ~= '' then
  local before = redis.call('HGET', OP, operation)
  if before then return { 'repeat', 0, 0, before } end
end
if class ~= '' and not holds(class, lane(number, destination), token) then return { 'lost' } end
local h = nil
if number ~= '' then h = head(HEAD) end
if talks and not h and not (number ~= '' and snapshot) then return { 'missing' } end
if based and (h and h.v or 0) ~= version then return { 'conflict' } end
local owner, holder = nil, ''
if grouped then
  local now = redis.call('GET', GROUP)
  if now then
    holder = string.sub(now, 21)
    local held = string.sub(now, 1, 1) == '1' or string.sub(now, 2, 20) > at
    if always == '1' and holder ~= number and held then return { 'taken' } end
  end
  if always ~= '1' and holder == number and h and h.ms > math.max(read_mail, h.rs) then return { 'conflict' } end
end
for n, r in ipairs(records) do
  if r[3] ~= '-1' then
    local now = redis.call('HGET', key(8 + 2 * n - 1), r[2])
    if (now and string.match(now, '^%d+') or '0') ~= r[3] then return { 'conflict' } end
  end
end
if #events > 0 and not (h and h.shelved) then
  local length = redis.call('LLEN', EVENTS)
  for n, e in ipairs(events) do
    if tonumber(e[1]) ~= length + n then return { 'gap' } end
  end
end
if h and h.shelved and (based or talks) then return { 'shelved' } end

-- From here on everything is written.
for n, r in ipairs(records) do
  local hash, ids = key(8 + 2 * n - 1), key(8 + 2 * n)
  if r[4] == '1' then
    redis.call('HDEL', hash, r[2])
    redis.call('ZREM', ids, r[2])
  else
    local now = redis.call('HGET', hash, r[2])
    local next = (now and tonumber(string.match(now, '^%d+')) or 0) + 1
    redis.call('HSET', hash, r[2], string.format('%.0f\n', next) .. r[5])
    redis.call('ZADD', ids, 0, r[2])
    redis.call('SADD', KINDS, r[1])
  end
end
local touched = {} -- lanes whose due time may be another now
if class ~= '' then
  local name = lane(number, destination)
  release(class, name)
  if class == WAKE_CLASS and destination == WAKE then
    if h and h.wr == revision then h.wd, h.wt = '', 0 end
    if h then touched[class .. '|' .. name] = { class, name, h.wd } end
  else
    touched[class .. '|' .. name] = { class, name, pop(TASKS, class .. '|' .. destination, revision) }
  end
end
local changed = 0
for _, m in ipairs(messages) do
  local place = redis.call('LLEN', TALK) + 1
  if redis.call('HSETNX', SAID, m[1], string.format('%.0f', place)) == 1 then
    redis.call('RPUSH', TALK, message(place, m[1], m[2]))
    changed = 1
  end
end
for _, m in ipairs(replacements) do
  local place = place_of(SAID, TALK, m[1])
  if place then
    redis.call('LSET', TALK, place - 1, message(place, m[1], m[2]))
    changed = 1
  end
end
if based then
  if not h then
    h = { v = 0, o = '0', ms = 0, rs = 0, rn = '', md = '', wa = '', wr = 0, ww = '', wd = '', wt = 0 }
    redis.call('ZADD', ALL, number, number)
    if tonumber(redis.call('GET', NUMBER) or '0') < tonumber(number) then redis.call('SET', NUMBER, number) end
  end
  if snapshot then
    changed = 1
    h.v, h.o, h.wa = h.v + 1, open, wake_at
    redis.call('HSET', HEAD, 'b', body, 'ch', at)
    if open == '1' then
      redis.call('ZADD', OPEN, number, number)
      redis.call('ZREM', OVER, number)
    else
      redis.call('ZREM', OPEN, number)
      redis.call('ZADD', OVER, score(at), number)
    end
    for _, e in ipairs(events) do redis.call('RPUSH', EVENTS, e[2]) end
    if grouped and (always == '1' or holder == number) then
      redis.call('SET', GROUP, always .. till .. number)
      redis.call('HSET', HEAD, 'g', GROUP)
      if always ~= '1' then redis.call('PEXPIRE', GROUP, KEEP_GROUP) end
    end
  end
  if read_mail > 0 then
    changed = 1
    local read = math.min(math.max(h.rs, read_mail), h.ms)
    for seq = h.rs + 1, read do
      local field = string.format('m%.0f', seq)
      redis.call('RPUSH', MAIL, string.format('%.0f\n', seq) .. (redis.call('HGET', HEAD, field) or ''))
      redis.call('HDEL', HEAD, field)
    end
    h.rs, h.rn, h.md = read, pause, ''
    if h.ms > read then h.md = pause end
  end
  for _, t in ipairs(tasks) do
    local name = lane(number, t[2])
    local first = true
    if t[4] == '1' then
      stand(TASKS, t[1] .. '|' .. t[2], t[3])
    else
      first = push(TASKS, t[1] .. '|' .. t[2], t[3])
    end
    if first then
      touched[t[1] .. '|' .. name] = { t[1], name, string.sub(t[3], 1, 19) }
    end
  end
  wake(h)
  local standing = lane(number, WAKE)
  touched[WAKE_CLASS .. '|' .. standing] = { WAKE_CLASS, standing, h.wd }
end
if h then
  for _, t in pairs(touched) do index(t[1], t[2], t[3]) end
  if based then put_head(HEAD, h) end
  if based or class ~= '' then owes(number, h, TASKS) end
end
if operation ~= '' then
  redis.call('HSET', OP, operation, reply)
  redis.call('RPUSH', OPS, at .. operation)
  for _ = 1, 20 do
    local oldest = redis.call('LINDEX', OPS, 0)
    if not oldest or string.sub(oldest, 1, 19) >= forget then break end
    redis.call('LPOP', OPS)
    redis.call('HDEL', OP, string.sub(oldest, 20))
  end
end
if changed == 1 then tell(channel, origin, number) end
return answer({ 'ok', h and h.v or 0, changed })
