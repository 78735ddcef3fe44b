-- Delete an ended incident with everything that belongs to it.
--
-- KEYS: the common ones, then 1 the incident's hash, 2 events, 3 mail, 4 messages,
--   5 message_index, 6 tasks, 7 alerts, 8 firing alerts, 9 its alert group, then
--   its alerts, and for each kind of records that may belong to it the hash of the
--   kind and the zset of its IDs
-- ARGV, after the name of the call: channel, origin (of the feed), number, the
--   range of the IDs of its records (as ZRANGEBYLEX takes it), the number of kinds,
--   the number of alerts, each: revision that was read (''), 1 when it belongs to
--   the incident. An alert that had ended and fires again may belong to another
--   incident by now; it is kept.
-- Answers {result}: ok, not_found, or refused (it is open, owes something, has
--   unread mail or firing alerts, or has changed since it was read).
local channel, origin, number, from, below = next_arg(), next_arg(), next_arg(), next_arg(), next_arg()
local kinds, alerts = tonumber(next_arg()), tonumber(next_arg())
local i = read_incident(key(1))
if i and (i.o == '1' or i.wd ~= '' or i.ms > i.rs) then return { 'refused' } end
if redis.call('EXISTS', key(6)) == 1 or redis.call('ZCARD', key(8)) > 0 or redis.call('SCARD', key(7)) ~= alerts then return { 'refused' } end
local owned = {}
for n = 1, alerts do
  if redis.call('GETRANGE', key(9 + n), 0, REVISION - 1) ~= next_arg() then return { 'refused' } end
  owned[n] = next_arg() == '1'
end
local group = redis.call('GET', key(9))
if group and string.sub(group, 21) == number then redis.call('DEL', key(9)) end
redis.call('DEL', key(1), key(2), key(3), key(4), key(5), key(7), key(8))
for n = 1, alerts do
  if owned[n] then redis.call('DEL', key(9 + n)) end
end
for _, set in ipairs({ ALL, OPEN, OWING, ENDED, ARCHIVED }) do redis.call('ZREM', set, number) end
if not i then return answer({ 'not_found' }) end
set_listing(number, i, '')
local id_of_incident = string.sub(from, 2, -2) -- from is [INC-7/
for n = 1, kinds do
  local hash, ids = key(8 + alerts + 2 * n), key(9 + alerts + 2 * n)
  local function delete(id)
    redis.call('HDEL', hash, id)
    redis.call('ZREM', ids, id)
  end
  for _, id in ipairs(redis.call('ZRANGEBYLEX', ids, from, below)) do
    local name = string.sub(id, string.len(from)) -- what follows the slash
    local owner = string.match(redis.call('HGET', hash, name) or '', '^%d+\n(.*)$')
    if owner == id_of_incident then delete(name) end
    delete(id)
  end
end
publish(channel, origin, number)
return answer({ 'ok' })
