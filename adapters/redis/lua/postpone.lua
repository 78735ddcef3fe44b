-- Return a leased task to the agenda, due again later, with one attempt more. A
-- newer revision keeps its own due time.
--
-- KEYS: the common ones, then 1 the incident's hash, 2 its tasks
-- ARGV, after the name of the call: number, class, destination, token, revision,
--   due, attempt
-- Answers {result}: ok or lease_lost.
local number, class, destination, token = next_arg(), next_arg(), next_arg(), next_arg()
local revision, due, attempt = tonumber(next_arg()), next_arg(), next_arg()
local lane = lane_name(number, destination)
if not holds_lease(class, lane, token) then return { 'lease_lost' } end
release_lease(class, lane)
if class == WAKE_CLASS and destination == WAKE then
  local i = read_incident(key(1))
  if i and i.wd ~= '' and i.wr == revision then
    i.wd, i.wt = due, tonumber(attempt)
    write_incident(key(1), i)
  end
  set_due(class, lane, i and i.wd or '')
  return answer({ 'ok' })
end
local first, next_due = lane_bounds(key(2), class .. '|' .. destination), ''
if first then
  local field = task_field(class .. '|' .. destination, first)
  local task = redis.call('HGET', key(2), field)
  next_due = string.sub(task, 1, 19)
  if revision_of(task) == revision then
    redis.call('HSET', key(2), field, due .. attempt .. string.match(task, '\n.*$'))
    next_due = due
  end
end
set_due(class, lane, next_due)
return answer({ 'ok' })
