-- Give a leased task back, due again later, one attempt on. A newer revision
-- stays due as it is.
--
-- KEYS: the common ones, then 1 the incident's hash, 2 its tasks
-- ARGV, after the call: number, class, destination, token, revision, due, attempt
-- Answers {what}: ok, or lost (the lease).
local number, class, destination, token = take(), take(), take(), take()
local revision, due, attempt = tonumber(take()), take(), take()
local name = lane(number, destination)
if not holds(class, name, token) then return { 'lost' } end
release(class, name)
if class == WAKE_CLASS and destination == WAKE then
  local h = head(key(1))
  if h and h.wd ~= '' and h.wr == revision then
    h.wd, h.wt = due, tonumber(attempt)
    put_head(key(1), h)
  end
  index(class, name, h and h.wd or '')
  return answer({ 'ok' })
end
local first, next_due = bounds(key(2), class .. '|' .. destination), ''
if first then
  local field = position(class .. '|' .. destination, first)
  local task = redis.call('HGET', key(2), field)
  next_due = string.sub(task, 1, 19)
  if revision_of(task) == revision then
    redis.call('HSET', key(2), field, due .. attempt .. string.match(task, '\n.*$'))
    next_due = due
  end
end
index(class, name, next_due)
return answer({ 'ok' })
