"""What may be asked. Every query takes who asks: a `Seated` reader, or the engine's forum lock."""
