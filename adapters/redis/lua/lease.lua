-- Lease lanes among candidates that Go found due in the index: the most urgent
-- class first, then the earliest. What their heads are decides, not the index,
-- which is mended where it was wrong.
--
-- KEYS: the common ones, then for each candidate its incident's hash and tasks
-- ARGV, after the call:
--   at, when the lease lasts until, how many at most
--   candidates: class, number, destination
-- Answers for each lane that was leased: its place among the candidates, from
-- 1, the token, and the task, or due time, attempt and revision of a wake-up,
-- joined by a newline.
local at, till, limit = take(), take(), tonumber(take())

-- head_of returns when the head of a candidate is due, what it is, and whether
-- it stands: a later revision may take its place while it is leased.
local function head_of(n, class, destination)
  if class == WAKE_CLASS and destination == WAKE then
    local h = redis.call('HMGET', key(2 * n - 1), 'wd', 'wt', 'wr')
    if not h[1] or h[1] == '' then return '' end
    return h[1], h[1] .. '\n' .. h[2] .. '\n' .. h[3], true
  end
  local first = bounds(key(2 * n), class .. '|' .. destination)
  if not first then return '' end
  local task = redis.call('HGET', key(2 * n), position(class .. '|' .. destination, first))
  return string.sub(task, 1, 19), task, revision_of(task) ~= 0
end

local all = {}
for n = 1, (#ARGV - at_arg) / 3 do
  local class, number, destination = take(), take(), take()
  local due, task, stands = head_of(n, class, destination)
  all[n] = {
    n = n, class = class, number = tonumber(number), destination = destination, lane = lane(number, destination),
    due = due, task = task, stands = stands,
  }
end
if said then -- its answer was lost: the same lanes, and what stood in them
  local again = cjson.decode(said)
  for n = 1, #again, 3 do
    if again[n + 2] == '' then again[n + 2] = all[again[n]].task or '' end
  end
  return again
end

for _, name in ipairs(redis.call('ZRANGEBYSCORE', IDLE, '-inf', score(at), 'LIMIT', 0, 100)) do
  redis.call('ZREM', IDLE, name)
  redis.call('HDEL', LEASE, name)
end
local free = {}
for _, c in ipairs(all) do
  local held = redis.call('HGET', LEASE, c.class .. '|' .. c.lane)
  if held and string.sub(held, 1, 19) > at then
    -- somebody was faster
  elseif c.due == '' or c.due > at then
    index(c.class, c.lane, c.due)
  else
    free[#free + 1] = c
  end
end
table.sort(free, function(a, b)
  if a.class ~= b.class then return tonumber(a.class) < tonumber(b.class) end
  if a.due ~= b.due then return a.due < b.due end
  if a.number ~= b.number then return a.number < b.number end
  return a.destination < b.destination
end)
local got, kept = {}, {}
for k = 1, math.min(limit, #free) do
  local c = free[k]
  local token = string.format('%.0f', redis.call('INCR', TOKEN))
  redis.call('HSET', LEASE, c.class .. '|' .. c.lane, till .. c.due .. token)
  redis.call('ZREM', DUE[c.class], c.lane)
  redis.call('ZADD', LEASED[c.class], score(till), c.lane)
  for _, v in ipairs({ c.n, token, c.task }) do got[#got + 1] = v end
  for _, v in ipairs({ c.n, token, c.stands and c.task or '' }) do kept[#kept + 1] = v end
end
if #got > 0 then answer(kept) end
return got
