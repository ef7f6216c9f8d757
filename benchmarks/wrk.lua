-- wrk's side: asks the addresses of a file in turn and reports as JSON.
local requests, at = {}, 0

function init()
  wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
  wrk.headers["Accept"] = "application/fhir+json"
  for address in io.lines(os.getenv("BENCH_ADDRESSES")) do
    requests[#requests + 1] = wrk.format("GET", address)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  print(string.format('{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "failed": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
