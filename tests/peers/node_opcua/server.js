// A node-opcua server for tests: server.js PORT FOLDER [reject]
// All three policies, Sign and SignAndEncrypt; user leafgate with password geheim, or a user certificate that lies in
// FOLDER/users/trusted/certs. Prints {"url"} when it listens. With `reject` it trusts only the clients whose
// certificate lies in FOLDER/pki/trusted/certs.
// It browses at most five nodes at once. `Counter` grows by one every 120 ms, which its sampling of 50 ms does not miss.
// `Counter` and `Tank.Level` have history; that of `Counter`, and its value, outlive a kill -9.
"use strict";
const fs = require("fs");
const path = require("path");
const {
  DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy, StatusCodes, Variant,
  standardUnits,
} = require("node-opcua");

const [port, folder, mood] = process.argv.slice(2);
const KEPT = 5000; // values of history
const FIRST = Date.UTC(2026, 0, 1);

async function trusting(name, everybody) {
  const manager = new OPCUACertificateManager({
    rootFolder: path.join(folder, name), automaticallyAcceptUnknownCertificate: everybody,
  });
  await manager.initialize();
  return manager;
}

function count(space, counter) {
  const log = path.join(folder, "counter.log");
  const before = fs.existsSync(log) ? fs.readFileSync(log, "utf8").trim().split("\n").map(JSON.parse) : [[0, Date.now()]];
  const show = ([value, at]) =>
    counter.setValueFromSource(new Variant({ dataType: DataType.UInt32, value }), StatusCodes.Good, new Date(at));
  show(before[0]);
  space.installHistoricalDataNode(counter, { maxOnlineValues: KEPT });
  before.slice(1).forEach(show);
  let value = before[before.length - 1][0];
  setInterval(() => {
    const now = [++value, Date.now()];
    fs.appendFileSync(log, `${JSON.stringify(now)}\n`);
    show(now);
  }, 120);
}

function furnish(space) {
  const own = space.registerNamespace("urn:leafgate:peer");
  const line = own.addObject({ organizedBy: space.rootFolder.objects, browseName: "Line" });
  const add = (name, dataType, value, more) =>
    own.addVariable({
      componentOf: line, browseName: name, nodeId: `s=Line.${name}`, dataType,
      value: new Variant({ dataType, value }), ...more,
    });
  add("Power", DataType.Double, 12.5);
  add("Running", DataType.Boolean, true);
  add("Name", DataType.String, "press");
  const broken = add("Broken", DataType.Double, 1.0);
  broken.setValueFromSource(new Variant({ dataType: DataType.Double, value: 1.0 }), StatusCodes.BadSensorFailure);
  count(space, add("Counter", DataType.UInt32, 0));
  const tank = own.addObject({ componentOf: line, browseName: "Tank" });
  tank.addReference({ referenceType: "Organizes", nodeId: line }); // a cycle
  const level = own.addAnalogDataItem({
    componentOf: tank, browseName: "Level", nodeId: "s=Line.Tank.Level", dataType: DataType.Double,
    engineeringUnitsRange: { low: 0, high: 100 }, engineeringUnits: standardUnits.percent,
    value: new Variant({ dataType: DataType.Double, value: 0 }),
  });
  own.addAnalogDataItem({
    componentOf: tank, browseName: "Temperature", nodeId: "s=Line.Tank.Temperature", dataType: DataType.Float,
    engineeringUnitsRange: { low: 0, high: 100 }, engineeringUnits: standardUnits.degree_celsius,
    value: new Variant({ dataType: DataType.Float, value: 21.5 }),
  });
  own.addMethod(tank, { browseName: "Empty", inputArguments: [], outputArguments: [] });
  level.setValueFromSource(new Variant({ dataType: DataType.Double, value: -1 }), StatusCodes.Good, new Date(FIRST - 1));
  space.installHistoricalDataNode(level, { maxOnlineValues: KEPT });
  for (let second = 0; second < 2500; second++) { // more than one page
    const at = new Date(FIRST + second * 1000);
    const status = second % 100 === 99 ? StatusCodes.BadSensorFailure : StatusCodes.Good;
    level.setValueFromSource(new Variant({ dataType: DataType.Double, value: second }), status, at);
  }
}

async function main() {
  const server = new OPCUAServer({
    port: Number(port),
    host: "127.0.0.1",
    resourcePath: "/peer",
    serverCertificateManager: await trusting("pki", mood !== "reject"),
    userCertificateManager: await trusting("users", false),
    securityPolicies: [
      SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss,
    ],
    securityModes: [MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: false,
    serverCapabilities: { operationLimits: { maxNodesPerBrowse: 5 } },
    userManager: { isValidUser: (user, password) => user === "leafgate" && password === "geheim" },
  });
  await server.initialize();
  furnish(server.engine.addressSpace);
  await server.start();
  console.log(JSON.stringify({ url: `opc.tcp://127.0.0.1:${port}/peer` }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
