// A Modbus TCP server for tests, made with modbus-serial: server.js ADDRESS. Prints its port.
// Holding and input register n of unit u hold 1000 * u + n; coil n is set where n is a multiple of three.
// Registers from 500 on are refused with exception 2. Unit 9 answers every question after 120 ms.
"use strict";
const { ServerTCP } = require("modbus-serial");

const REFUSED_FROM = 500;
const SLOW_UNIT = 9;
const SLOW_MS = 120;

function register(address, unit) {
  if (address >= REFUSED_FROM) throw { modbusErrorCode: 2 };
  const value = 1000 * unit + address;
  return unit === SLOW_UNIT ? new Promise((done) => setTimeout(() => done(value), SLOW_MS)) : value;
}

const vector = {
  getHoldingRegister: register,
  getInputRegister: register,
  getCoil: (address) => address % 3 === 0,
  getDiscreteInput: (address) => address % 3 === 0,
};
const server = new ServerTCP(vector, { host: process.argv[2], port: 0, unitID: 255 });
server.on("initialized", () => console.log(server._server.address().port));
server.on("socketError", () => {});
