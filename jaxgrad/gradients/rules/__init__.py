"""The parts of check_grads(): programs of derivatives, the truth of them, and judgement."""
