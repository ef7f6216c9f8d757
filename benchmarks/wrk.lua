-- wrk's side: asks what the lines of a file say, in turn, and reports as JSON.
-- A line is an address, or method, address, If-None-Exist and body with tabs between them; "@N@" is a number that grows.
local requests, at, number = {}, 0, tonumber(os.getenv("BENCH_FIRST") or "0")

local function parts(line)
  local method, address, condition, body = line:match("^(%u+)\t([^\t]*)\t([^\t]*)\t(.*)$")
  if not method then return {"GET", line} end
  local headers = {["Authorization"] = wrk.headers["Authorization"], ["Content-Type"] = "application/fhir+json"}
  if condition ~= "" then headers["If-None-Exist"] = condition end
  return {method, address, headers, body, (condition .. body):find("@N@", 1, true) ~= nil}
end

function init()
  wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
  wrk.headers["Accept"] = os.getenv("BENCH_ACCEPT") or "application/fhir+json"
  for line in io.lines(os.getenv("BENCH_ADDRESSES")) do
    local made = parts(line)
    requests[#requests + 1] = made[5] and made or wrk.format(made[1], made[2], made[3], made[4])
  end
end

function request()
  at = at % #requests + 1
  local made = requests[at]
  if type(made) == "string" then return made end
  number = number + 1
  local count = string.format("%d", number)
  local headers = {}
  for name, value in pairs(made[3]) do headers[name] = value:gsub("@N@", count) end
  return wrk.format(made[1], made[2], headers, (made[4]:gsub("@N@", count)))
end

function done(summary, latency, _)
  local errors = summary.errors
  print(string.format('{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "failed": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
