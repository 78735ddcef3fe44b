-- Lease lanes among candidates that Go found due in the agenda: the most urgent
-- class first, then the earliest due. The lane's first task decides, not the
-- agenda, which is corrected where it is wrong.
--
-- KEYS: the common ones, then for each candidate its incident's hash and tasks
-- ARGV, after the name of the call:
--   at, the instant at which the leases end, how many lanes at most
--   candidates, each: class, number, destination
-- Answers for each leased lane: its index among the candidates, from 1; the token;
-- and the task, or due time, attempt and revision of a wake-up, joined by newlines.
local at, ends, limit = next_arg(), next_arg(), tonumber(next_arg())

-- first_task returns when the first task of a candidate is due, the task, and
-- whether it is a standing task: a later revision may replace it while it is
-- leased.
local function first_task(n, class, destination)
  if class == WAKE_CLASS and destination == WAKE then
    local wake_up = redis.call('HMGET', key(2 * n - 1), 'wd', 'wt', 'wr')
    if not wake_up[1] or wake_up[1] == '' then return '' end
    return wake_up[1], wake_up[1] .. '\n' .. wake_up[2] .. '\n' .. wake_up[3], true
  end
  local first = lane_bounds(key(2 * n), class .. '|' .. destination)
  if not first then return '' end
  local task = redis.call('HGET', key(2 * n), task_field(class .. '|' .. destination, first))
  return string.sub(task, 1, 19), task, revision_of(task) ~= 0
end

local candidates = {}
for n = 1, (#ARGV - last_arg) / 3 do
  local class, number, destination = next_arg(), next_arg(), next_arg()
  local due, task, standing = first_task(n, class, destination)
  candidates[n] = {
    n = n, class = class, number = tonumber(number), destination = destination, lane = lane_name(number, destination),
    due = due, task = task, standing = standing,
  }
end
if earlier_answer then -- it was lost on the way: the same lanes with the tasks that were leased
  local again = cjson.decode(earlier_answer)
  for n = 1, #again, 3 do
    if again[n + 2] == '' then again[n + 2] = candidates[again[n]].task or '' end
  end
  return again
end

for _, name in ipairs(redis.call('ZRANGEBYSCORE', IDLE_LEASES, '-inf', score(at), 'LIMIT', 0, 100)) do
  redis.call('ZREM', IDLE_LEASES, name)
  redis.call('HDEL', LEASES, name)
end
local free = {}
for _, c in ipairs(candidates) do
  local lease = redis.call('HGET', LEASES, c.class .. '|' .. c.lane)
  if lease and string.sub(lease, 1, 19) > at then
    -- another replica has leased it
  elseif c.due == '' or c.due > at then
    set_due(c.class, c.lane, c.due)
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
local leased, stored = {}, {} -- stored: a task that is not replaced while it is leased is left out
for k = 1, math.min(limit, #free) do
  local c = free[k]
  local token = string.format('%.0f', redis.call('INCR', LAST_TOKEN))
  redis.call('HSET', LEASES, c.class .. '|' .. c.lane, ends .. c.due .. token)
  redis.call('ZREM', DUE[c.class], c.lane)
  redis.call('ZADD', LEASED[c.class], score(ends), c.lane)
  for _, v in ipairs({ c.n, token, c.task }) do leased[#leased + 1] = v end
  for _, v in ipairs({ c.n, token, c.standing and c.task or '' }) do stored[#stored + 1] = v end
end
if #leased > 0 then answer(stored) end
return leased
