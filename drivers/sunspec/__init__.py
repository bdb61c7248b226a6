"""SunSpec over Modbus TCP and RTU: a chain of models that says of itself what stands where. Reads only."""
