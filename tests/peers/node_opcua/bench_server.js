// A node-opcua server for the benchmark: bench_server.js PORT FOLDER VALUES PERIOD_MS
// VALUES variables N0..., all of them new every PERIOD_MS; no security, so that both clients pay for values only.
"use strict";
const path = require("path");
const {
  DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy, Variant,
} = require("node-opcua");

const [port, folder, values, period] = process.argv.slice(2);

async function main() {
  const trust = new OPCUACertificateManager({ rootFolder: path.join(folder, "pki") });
  await trust.initialize();
  const server = new OPCUAServer({
    port: Number(port), host: "127.0.0.1", resourcePath: "/bench", serverCertificateManager: trust,
    securityPolicies: [SecurityPolicy.None], securityModes: [MessageSecurityMode.None], allowAnonymous: true,
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  const own = space.registerNamespace("urn:leafgate:bench");
  const line = own.addObject({ organizedBy: space.rootFolder.objects, browseName: "Line" });
  const nodes = Array.from({ length: Number(values) }, (_, n) => own.addVariable({
    componentOf: line, browseName: `N${n}`, nodeId: `s=N${n}`, dataType: DataType.Double,
    value: new Variant({ dataType: DataType.Double, value: 0 }),
  }));
  let count = 0;
  setInterval(() => {
    count += 1;
    nodes.forEach((node, n) => node.setValueFromSource(new Variant({ dataType: DataType.Double, value: count + n })));
  }, Number(period));
  await server.start();
  console.log(JSON.stringify({ url: `opc.tcp://127.0.0.1:${port}/bench` }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
