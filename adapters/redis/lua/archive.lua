-- Replace an ended incident by its compact form, if it has not changed since that
-- was made.
--
-- KEYS: the common ones, then 1 the incident's hash, 2 events, 3 mail, 4 messages,
--   5 message_index, 6 tasks, 7 alerts
-- ARGV, after the name of the call: number, version, the SHA-1 sum of the messages
--   (they may have been edited), the number of the last mail, the compact form
-- Answers {result}: ok, or refused.
local number, version, sum, mail, compact = next_arg(), tonumber(next_arg()), next_arg(), tonumber(next_arg()), next_arg()
local i = read_incident(key(1))
if not i or i.compact or i.o == '1' or i.v ~= version or i.wd ~= '' or i.ms > i.rs or i.ms ~= mail then return { 'refused' } end
if redis.call('EXISTS', key(6)) == 1 then return { 'refused' } end
if redis.sha1hex(table.concat(redis.call('LRANGE', key(4), 0, -1))) ~= sum then return { 'refused' } end
local stored = redis.call('HMGET', key(1), 'p', 'g', 'c')
set_listing(number, i, '') -- a build that knows no listings may have ended it
redis.call('DEL', key(1), key(2), key(3), key(4), key(5))
redis.call('HSET', key(1), 'z', compact, 'v', string.format('%.0f', version), 'o', '0', 'p', stored[1] or '', 'g', stored[2] or '', 'c', stored[3] or '',
  'wr', string.format('%.0f', i.wr), 'ws', i.ws)
redis.call('ZREM', ENDED, number)
redis.call('ZREM', OWING, number)
redis.call('ZADD', ARCHIVED, stored[3] and stored[3] ~= '' and score(stored[3]) or '1', number)
return answer({ 'ok' })
