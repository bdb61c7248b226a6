// A node-opcua client for tests: client.js URL FOLDER USER PASSWORD
// Reads, follows and asks the history of our simulated press line; prints what it found as one JSON document.
"use strict";
const path = require("path");
const {
  AttributeIds, ClientMonitoredItem, ClientSubscription, DataType, MessageSecurityMode, OPCUACertificateManager,
  OPCUAClient, SecurityPolicy, TimestampsToReturn, UserTokenType, Variant,
} = require("node-opcua");

const [url, folder, userName, password] = process.argv.slice(2);
const FOLLOWED = 5; // changes of the power to wait for
const BACK_MS = 3600 * 1000;

async function follow(session, nodeId) {
  const subscription = ClientSubscription.create(session, {
    requestedPublishingInterval: 50, requestedLifetimeCount: 600, requestedMaxKeepAliveCount: 20,
    maxNotificationsPerPublish: 0, publishingEnabled: true,
  });
  const item = ClientMonitoredItem.create(
    subscription, { nodeId, attributeId: AttributeIds.Value },
    { samplingInterval: 10, queueSize: 100, discardOldest: true }, TimestampsToReturn.Both,
  );
  const seen = [];
  await new Promise((resolve) => {
    item.on("changed", (data) => {
      seen.push(data.value.value);
      if (seen.length === FOLLOWED) resolve();
    });
  });
  await subscription.terminate();
  return seen;
}

async function main() {
  const trust = new OPCUACertificateManager({
    rootFolder: path.join(folder, "pki"), automaticallyAcceptUnknownCertificate: true,
  });
  await trust.initialize();
  const client = OPCUAClient.create({
    applicationName: "peer", clientCertificateManager: trust, endpointMustExist: false,
    securityMode: MessageSecurityMode.SignAndEncrypt, securityPolicy: SecurityPolicy.Basic256Sha256,
    connectionStrategy: { maxRetry: 0 },
  });
  await client.connect(url);
  const session = await client.createSession({ type: UserTokenType.UserName, userName, password });
  const index = (await session.readNamespaceArray()).indexOf("urn:leafgate:sim:press");
  const node = (name) => `ns=${index};s=${name}`;
  const power = await session.read({ nodeId: node("Meter1.Power"), attributeId: AttributeIds.Value });
  const running = await session.read({ nodeId: node("Press1.Running"), attributeId: AttributeIds.Value });
  const changes = await follow(session, node("Meter1.Power"));
  const now = Date.now();
  const past = await session.readHistoryValue(node("Meter1.Power"), new Date(now - BACK_MS), new Date(now + BACK_MS));
  const written = await session.write({
    nodeId: node("Meter1.Power"), attributeId: AttributeIds.Value,
    value: { value: new Variant({ dataType: DataType.Double, value: 1 }) },
  });
  await session.close();
  await client.disconnect();
  console.log(JSON.stringify({
    power: power.value.value, status: power.statusCode.name, source_ms: power.sourceTimestamp.getTime(),
    running: running.value.value, changes, history: past.historyData.dataValues.map((d) => d.value.value),
    written: written.name,
  }));
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
