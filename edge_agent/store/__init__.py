"""plant.db: one writer, many readers that keep nothing open.

`store` writes; `reader`, `trends` and `alarms` answer. The rooms below: codec (readings as bytes), sealed (open time
and blocks as one table), keep (the byte budget), stamps (moments that are not sure), rescue (damage and copies),
documents (records.db).
"""
