"""What the log does inside Redis, as Lua: many logs in one order, each whole or not at all.

A log is a stream, one event an entry in the field `e`, with the id `<seq>-0`. A finished one ends with the entry `END`,
whose id is above all others: Redis itself then refuses whatever somebody still wants to append.
"""

from __future__ import annotations

from quarterdeck.log.base import FEED_KEEP
from quarterdeck.log.redis_link import Script

_END = "18446744073709551615-0"
_BEFORE_END = "18446744073709551614-0"

COMMIT = Script(f"""
local additions, refused, blob, at = cmsgpack.unpack(ARGV[1]), {{}}, ARGV[2], 0
for i, key in ipairs(KEYS) do
  local seq, begins, is_feed, sizes = unpack(additions[i])
  local start = at
  for _, size in ipairs(sizes) do at = at + size end
  local newest = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 1)
  local last = newest[1] and newest[1][1]
  if newest.err or (last and (begins or last ~= string.format('%.0f-0', seq - 1))) then
    refused[#refused + 1] = i .. 's'
  elseif not last and seq ~= 1 and not begins then
    refused[#refused + 1] = i .. 'l'
  else
    for n, size in ipairs(sizes) do
      redis.call('XADD', key, string.format('%.0f-0', seq + n - 1), 'e', string.sub(blob, start + 1, start + size))
      start = start + size
    end
    if is_feed then redis.call('XTRIM', key, 'MAXLEN', '~', {FEED_KEEP}) end
    if is_feed or not last then redis.call('PEXPIRE', key, ARGV[3]) end
  end
end
if #refused < #KEYS then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
return table.concat(refused, ' ')
""")
"""ARGV: the additions (seq, begins, is a feed, sizes of the bodies), all bodies one after the other, after how long
a log is left over (ms), the bell's channel, its message. Answers with the numbers of those refused, from 1, each with
s (stale) or l (lost): `3s 7l`."""

LOOK = Script(f"""
local looks, numbers, bodies = cmsgpack.unpack(ARGV[1]), {{}}, {{}}
local function put(number) numbers[#numbers + 1] = number end
local function seq_of(entry) return entry and tonumber(string.match(entry[1], '^%d+')) or 0 end
for i, key in ipairs(KEYS) do
  local after, limit, budget = looks[i][1], looks[i][2], tonumber(ARGV[2])
  local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 2)
  if #newest == 0 then
    put(0)
  else
    local is_finished = newest[1][1] == '{_END}'
    put(is_finished and 2 or 1)
    put(seq_of(redis.call('XRANGE', key, '-', '{_BEFORE_END}', 'COUNT', 1)[1]))
    put(seq_of(newest[is_finished and 2 or 1]))
    put(0)
    local count_at = #numbers
    while limit > 0 and budget > 0 do
      local step = math.min(limit, 64)
      local found = redis.call('XRANGE', key, string.format('%.0f-0', after + 1), '{_BEFORE_END}', 'COUNT', step)
      for _, entry in ipairs(found) do
        if budget <= 0 then break end
        local body = entry[2][2]
        after = seq_of(entry)
        if numbers[count_at] == 0 then put(after) end
        put(#body)
        bodies[#bodies + 1] = body
        numbers[count_at] = numbers[count_at] + 1
        budget = budget - #body
      end
      if #found < step then break end
      limit = limit - step
    end
  end
end
return {{cmsgpack.pack(numbers), table.concat(bodies)}}
""")
"""ARGV: the looks (after, limit), bytes of each. Answers with numbers and all bodies one after the other. Numbers,
of each log: 0 (not there), or 1 or 2 (running, finished), first, last, count of entries, and if there are any the
seq of the first one and the length of each."""

FINISH = Script(f"""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1] ~= '{_END}' then
  redis.call('XADD', KEYS[1], '{_END}', 'f', '1')
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
""")
"""ARGV: milliseconds it is kept, the bell's channel, its message. Answers with 1 if there is such a log."""

DROP = Script("""
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
""")
"""ARGV: the bell's channel, its message."""
