-- Takes attempts of every bucket, or nothing of any; tells the seconds until there is one in all of them.
--
-- KEYS: the buckets.
-- ARGV: how many to take (negative: they come back); of each bucket its size, and the seconds in which one comes back.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local count, longest, left = tonumber(ARGV[1]), 0, {}

for number, key in ipairs(KEYS) do
  local size, seconds = tonumber(ARGV[2 * number]), tonumber(ARGV[2 * number + 1])
  local known = redis.call('HMGET', key, 'left', 'at')
  -- A clock that was set back fills nothing.
  local passed = math.max(0, now - (tonumber(known[2]) or now))
  left[number] = math.min(size, (tonumber(known[1]) or size) + passed / seconds)
  longest = math.max(longest, (1 - left[number]) * seconds)
end

if count > 0 and longest > 0 then return string.format('%.6f', longest) end

for number, key in ipairs(KEYS) do
  local size, seconds = tonumber(ARGV[2 * number]), tonumber(ARGV[2 * number + 1])
  local rest = math.min(size, left[number] - count)
  redis.call('HSET', key, 'left', string.format('%.9f', rest), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', key, size * seconds)
end
return '0'
