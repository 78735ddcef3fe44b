-- Extend the lease of a lane.
--
-- KEYS: the common ones
-- ARGV, after the name of the call: number, class, destination, token, the instant
--   at which the lease ends
-- Answers {result}: ok or lease_lost.
local number, class, destination, token, ends = next_arg(), next_arg(), next_arg(), next_arg(), next_arg()
local lane = lane_name(number, destination)
if not holds_lease(class, lane, token) then return { 'lease_lost' } end
local name = class .. '|' .. lane
local due = string.sub(redis.call('HGET', LEASES, name), 20, 38)
redis.call('HSET', LEASES, name, ends .. due .. token)
if redis.call('ZSCORE', IDLE_LEASES, name) then due = '' end
set_due(class, lane, due)
return answer({ 'ok' })
