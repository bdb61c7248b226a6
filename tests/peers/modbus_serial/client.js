// Reads a slave with modbus-serial: client.js tcp|tunnel ADDRESS PORT UNIT. Prints what it found as JSON.
// `tunnel` is Modbus RTU over TCP, as behind a transparent converter of a serial line.
"use strict";
const ModbusRTU = require("modbus-serial");

const [how, address, port, unit] = process.argv.slice(2);

async function code(asked) {
  try {
    await asked;
    return 0;
  } catch (error) {
    return error.modbusCode || String(error);
  }
}

(async () => {
  const client = new ModbusRTU();
  const connect = how === "tunnel" ? client.connectTelnet : client.connectTCP;
  await connect.call(client, address, { port: Number(port) });
  client.setID(Number(unit));
  client.setTimeout(5000);
  const water = await client.readHoldingRegisters(104, 2);
  const energy = await client.readHoldingRegisters(143, 2);
  const found = {
    water: water.data,
    energy: energy.buffer.readUInt32BE(0),
    lacking: await code(client.readHoldingRegisters(900, 1)),
    written: await code(client.writeRegister(101, 0)),
  };
  console.log(JSON.stringify(found));
  client.close(() => process.exit(0));
})();
