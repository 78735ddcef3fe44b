-- Write a whole incident: out of its compact form, or one that is imported.
--
-- KEYS: the common ones, then 1 the incident's hash, 2 events, 3 mail, 4 talk,
--   5 places in talk, 6 tasks
-- ARGV, after the call:
--   number; the compact form that this was made of, '' when it is imported
--   version, open, follows, changed, wake_at, mail_seq, read_seq, at the last
--     reading and the pause, when unread mail is due, body
--   how many events, each: body
--   how much mail, each: seq, 1 when it was read, body
--   how many messages, each: key, body
--   how many tasks, each: class, destination, task
-- Answers {what}: ok, or no (it is not in that compact form any more).
local number, packed = take(), take()
local shelved = packed ~= ''
local h = head(key(1))
if shelved and not (h and h.shelved == packed) then return { 'no' } end
local version, open, follows, changed, wake_at = take(), take(), take(), take(), take()
local mail_seq, read_seq, next_read, mail_due, body = take(), take(), take(), take(), take()
local group = redis.call('HGET', key(1), 'g')
redis.call('DEL', key(1), key(2), key(3), key(4), key(5), key(6))
for _ = 1, tonumber(take()) do redis.call('RPUSH', key(2), take()) end
for _ = 1, tonumber(take()) do
  local seq, read, text = take(), take(), take()
  if read == '1' then
    redis.call('RPUSH', key(3), seq .. '\n' .. text)
  else
    redis.call('HSET', key(1), 'm' .. seq, text)
  end
end
for n = 1, tonumber(take()) do
  local name, text = take(), take()
  redis.call('HSET', key(5), name, string.format('%.0f', n))
  redis.call('RPUSH', key(4), message(n, name, text))
end
local revision, when = 0, '' -- of the wake-up, which go on
if shelved then revision, when = h.wr, h.ww end
h = {
  v = tonumber(version), o = open, ms = tonumber(mail_seq), rs = tonumber(read_seq), rn = next_read, md = mail_due,
  wa = wake_at, wr = revision, ww = when, wd = '', wt = 0,
}
for _ = 1, tonumber(take()) do
  local class, destination, task = take(), take(), take()
  if push(key(6), class .. '|' .. destination, task) then index(class, lane(number, destination), string.sub(task, 1, 19)) end
end
wake(h)
put_head(key(1), h)
redis.call('HSET', key(1), 'f', follows, 'b', body)
if changed ~= '' then redis.call('HSET', key(1), 'ch', changed) end
if group then redis.call('HSET', key(1), 'g', group) end
index(WAKE_CLASS, lane(number, WAKE), h.wd)
owes(number, h, key(6))
redis.call('ZADD', ALL, number, number)
redis.call('ZREM', SHELF, number)
if open == '1' then
  redis.call('ZADD', OPEN, number, number)
  redis.call('ZREM', OVER, number)
else
  redis.call('ZREM', OPEN, number)
  redis.call('ZADD', OVER, changed ~= '' and score(changed) or '1', number)
end
return answer({ 'ok' })
