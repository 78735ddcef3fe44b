-- List an open incident where its state says.
--
-- KEYS: the common ones, then 1 the incident's hash
-- ARGV, after the name of the call: number, the version of the state, its listing
-- Answers {result}: ok, or refused (it has another version by now, or is not open).
local number, version, listing = next_arg(), tonumber(next_arg()), next_arg()
local i = read_incident(key(1))
if not i or i.v ~= version or i.o ~= '1' then return { 'refused' } end
set_listing(number, i, string.format('%.0f ', version) .. listing)
for member in pairs(listed_members(number, i.l)) do redis.call('ZADD', LISTED, 0, member) end -- in case they were lost
redis.call('HSET', key(1), 'l', i.l)
return answer({ 'ok' })
