// A system's program: fhir-kit-client, as it comes, with a bearer token. Prints what it read as JSON.
import { Client } from "fhir-kit-client";

const [address, token] = process.argv.slice(2);

const client = new Client({ baseUrl: address, bearerToken: token });
const smart = await client.smartAuthMetadata();
const made = await client.create({
  resourceType: "Patient",
  body: { resourceType: "Patient", name: [{ family: "佐藤" }], birthDate: "1970-01-01", gender: "female" },
});
const read = await client.read({ resourceType: "Patient", id: made.id });
const searched = await client.search({ resourceType: "Patient", searchParams: { name: "佐藤" } });
const updated = await client.update({ resourceType: "Patient", id: made.id, body: { ...read, gender: "other" } });
const past = await client.history({ resourceType: "Patient", id: made.id });
console.log(
  JSON.stringify({
    token: String(smart.tokenUrl),
    family: read.name[0].family,
    total: searched.total,
    version: updated.meta.versionId,
    past: past.total,
  }),
);
