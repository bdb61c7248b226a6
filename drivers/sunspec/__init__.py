"""SunSpec over Modbus TCP: a chain of models that says of itself what stands where. Reads only."""
