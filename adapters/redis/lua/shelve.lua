-- Put an incident that is over into its compact form, if it is still as it was
-- when that was made of it.
--
-- KEYS: the common ones, then 1 the incident's hash, 2 events, 3 mail, 4 talk,
--   5 places in talk, 6 tasks, 7 alerts
-- ARGV, after the call: number, version, the SHA-1 sum of the messages there were
--   (they may have been replaced), how much mail there was, compact form
-- Answers {what}: ok, or no.
local number, version, sum, mail, packed = take(), tonumber(take()), take(), tonumber(take()), take()
local h = head(key(1))
if not h or h.shelved or h.o == '1' or h.v ~= version or h.wd ~= '' or h.ms > h.rs or h.ms ~= mail then return { 'no' } end
if redis.call('EXISTS', key(6)) == 1 then return { 'no' } end
if redis.sha1hex(table.concat(redis.call('LRANGE', key(4), 0, -1))) ~= sum then return { 'no' } end
local kept = redis.call('HMGET', key(1), 'f', 'g', 'ch')
redis.call('DEL', key(1), key(2), key(3), key(4), key(5))
redis.call('HSET', key(1), 'z', packed, 'v', string.format('%.0f', version), 'o', '0', 'f', kept[1] or '', 'g', kept[2] or '', 'ch', kept[3] or '',
  'wr', string.format('%.0f', h.wr), 'ww', h.ww)
redis.call('ZREM', OVER, number)
redis.call('ZREM', OWING, number)
redis.call('ZADD', SHELF, kept[3] and kept[3] ~= '' and score(kept[3]) or '1', number)
return answer({ 'ok' })
