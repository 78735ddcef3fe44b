-- Lease lanes that are due: the most urgent class first, then the earliest.
-- What their heads are is read after this (heads.lua): the head of a leased
-- lane does not change, but for the wake-up, whose revision tells.
--
-- ARGV, after the call:
--   at and until when the lease lasts (19 digits each), at as a score, limit
--   the classes, in order
-- Answers class, lane and token of each lane, in one flat list.
local at, till, now, left = take(), take(), take(), tonumber(take())
for _, name in ipairs(redis.call('ZRANGEBYSCORE', IDLE, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', IDLE, name)
  redis.call('HDEL', LEASE, name)
end
local got = {}
for n = at_arg + 1, #ARGV do
  local class = ARGV[n]
  -- Leases that have run out: the lane is due again when it was.
  while true do
    local ended = redis.call('ZRANGEBYSCORE', LEASED[class], '-inf', now, 'LIMIT', 0, 1000)
    for _, name in ipairs(ended) do
      local held = redis.call('HGET', LEASE, class .. '|' .. name)
      redis.call('ZREM', LEASED[class], name)
      redis.call('ZADD', DUE[class], held and score(string.sub(held, 20, 38)) or now, name)
    end
    if #ended < 1000 then break end
  end
  if left > 0 then
    local due = redis.call('ZRANGEBYSCORE', DUE[class], '-inf', now, 'WITHSCORES', 'LIMIT', 0, left)
    for k = 1, #due, 2 do
      local name, when = due[k], string.format('%.0f', tonumber(due[k + 1])) .. '000'
      local token = string.format('%.0f', redis.call('INCR', TOKEN))
      redis.call('HSET', LEASE, class .. '|' .. name, till .. string.rep('0', 19 - string.len(when)) .. when .. token)
      redis.call('ZREM', DUE[class], name)
      redis.call('ZADD', LEASED[class], score(till), name)
      got[#got + 1] = class
      got[#got + 1] = name
      got[#got + 1] = token
      left = left - 1
    end
  end
end
if #got == 0 then return got end
return answer(got)
