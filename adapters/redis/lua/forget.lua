-- Delete an incident that is over, with all that belongs to it.
--
-- KEYS: the common ones, then 1 the incident's hash, 2 events, 3 mail, 4 talk,
--   5 places in talk, 6 tasks, 7 alerts, 8 those that fire, 9 its group, then
--   its alerts, and for each kind of records that may belong to it their hash
--   and the zset of their IDs
-- ARGV, after the call: channel, origin (of the feed), number, the range of its
--   records' IDs (as ZRANGEBYLEX has it), how many such kinds, how many alerts,
--   each: revision that was read (''), 1 when it belongs to the incident. One
--   that had ended and fires again belongs to another, and stays.
-- Answers {what}: ok, gone (it was not there), or no.
local channel, origin, number, from, below = take(), take(), take(), take(), take()
local kinds, alerts = tonumber(take()), tonumber(take())
local h = head(key(1))
if h and (h.o == '1' or h.wd ~= '' or h.ms > h.rs) then return { 'no' } end
if redis.call('EXISTS', key(6)) == 1 or redis.call('ZCARD', key(8)) > 0 or redis.call('SCARD', key(7)) ~= alerts then return { 'no' } end
local its = {}
for n = 1, alerts do
  if redis.call('GETRANGE', key(9 + n), 0, REVISION - 1) ~= take() then return { 'no' } end
  its[n] = take() == '1'
end
local group = redis.call('GET', key(9))
if group and string.sub(group, 21) == number then redis.call('DEL', key(9)) end
redis.call('DEL', key(1), key(2), key(3), key(4), key(5), key(7), key(8))
for n = 1, alerts do
  if its[n] then redis.call('DEL', key(9 + n)) end
end
for _, set in ipairs({ ALL, OPEN, OWING, OVER, SHELF }) do redis.call('ZREM', set, number) end
if not h then return answer({ 'gone' }) end
for n = 1, kinds do
  local hash, ids = key(8 + alerts + 2 * n), key(9 + alerts + 2 * n)
  local function drop(id)
    redis.call('HDEL', hash, id)
    redis.call('ZREM', ids, id)
  end
  for _, id in ipairs(redis.call('ZRANGEBYLEX', ids, from, below)) do
    local named = string.sub(id, string.len(from)) -- what follows the slash
    local owner = string.match(redis.call('HGET', hash, named) or '', '^%d+\n(.*)$')
    if owner == 'INC-' .. number then drop(named) end
    drop(id)
  end
end
tell(channel, origin, number)
return answer({ 'ok' })
