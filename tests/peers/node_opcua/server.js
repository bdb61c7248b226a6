// A node-opcua server for tests: server.js PORT FOLDER [reject]
// Basic256Sha256 SignAndEncrypt, user leafgate with password geheim; prints {"url"} when it listens.
// `Counter` grows by one every 120 ms, which its sampling of 50 ms does not miss; with `reject` it trusts no client's certificate.
"use strict";
const path = require("path");
const {
  DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy, StatusCodes, Variant,
} = require("node-opcua");

const [port, folder, mood] = process.argv.slice(2);

async function main() {
  const trust = new OPCUACertificateManager({
    rootFolder: path.join(folder, "pki"),
    automaticallyAcceptUnknownCertificate: mood !== "reject",
  });
  await trust.initialize();
  const server = new OPCUAServer({
    port: Number(port),
    host: "127.0.0.1",
    resourcePath: "/peer",
    serverCertificateManager: trust,
    securityPolicies: [SecurityPolicy.Basic256Sha256],
    securityModes: [MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: false,
    userManager: { isValidUser: (user, password) => user === "leafgate" && password === "geheim" },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  const own = space.registerNamespace("urn:leafgate:peer");
  const line = own.addObject({ organizedBy: space.rootFolder.objects, browseName: "Line" });
  const add = (name, dataType, value) =>
    own.addVariable({
      componentOf: line, browseName: name, nodeId: `s=Line.${name}`, dataType,
      value: new Variant({ dataType, value }),
    });
  add("Power", DataType.Double, 12.5);
  add("Running", DataType.Boolean, true);
  add("Name", DataType.String, "press");
  const broken = add("Broken", DataType.Double, 1.0);
  broken.setValueFromSource(new Variant({ dataType: DataType.Double, value: 1.0 }), StatusCodes.BadSensorFailure);
  const counter = add("Counter", DataType.UInt32, 0);
  let count = 0;
  setInterval(() => {
    counter.setValueFromSource(new Variant({ dataType: DataType.UInt32, value: ++count }));
  }, 120);
  await server.start();
  console.log(JSON.stringify({ url: `opc.tcp://127.0.0.1:${port}/peer` }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
