// A node-opcua client for the benchmark: client_bench.js FOLDER PUBLISH_MS SAMPLING_MS URL VALUES SECONDS WARM_UP
// Follows N0... for SECONDS when it is warm; prints how many values it got and what CPU they cost.
"use strict";
const path = require("path");
const {
  AttributeIds, ClientMonitoredItemGroup, ClientSubscription, MessageSecurityMode, OPCUACertificateManager,
  OPCUAClient, SecurityPolicy, TimestampsToReturn,
} = require("node-opcua");

const [folder, publish, sampling, url, values, seconds, warmUp] = process.argv.slice(2);

async function main() {
  const trust = new OPCUACertificateManager({ rootFolder: path.join(folder, "client") });
  await trust.initialize();
  const client = OPCUAClient.create({
    applicationName: "bench", clientCertificateManager: trust, endpointMustExist: false,
    securityMode: MessageSecurityMode.None, securityPolicy: SecurityPolicy.None, connectionStrategy: { maxRetry: 0 },
  });
  await client.connect(url);
  const session = await client.createSession();
  const index = (await session.readNamespaceArray()).indexOf("urn:leafgate:bench");
  const subscription = ClientSubscription.create(session, {
    requestedPublishingInterval: Number(publish), requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 20,
    maxNotificationsPerPublish: 0, publishingEnabled: true,
  });
  const nodes = Array.from({ length: Number(values) }, (_, n) => ({
    nodeId: `ns=${index};s=N${n}`, attributeId: AttributeIds.Value,
  }));
  const group = ClientMonitoredItemGroup.create(
    subscription, nodes, { samplingInterval: Number(sampling), queueSize: 100, discardOldest: true },
    TimestampsToReturn.Both,
  );
  let count = 0, sum = 0;
  await new Promise((resolve) => {
    group.on("changed", (_item, data) => {
      count += 1;
      sum += data.value.value;
      if (count === Number(values)) resolve();
    });
  });
  await new Promise((resolve) => setTimeout(resolve, Number(warmUp) * 1000));
  const began = process.cpuUsage(), first = count;
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  const cost = process.cpuUsage(began);
  console.log(JSON.stringify({ values: count - first, cpu_us: cost.user + cost.system, sum }));
  process.exit(0);
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
