"""Training of detectors: recipes, samples of key frames with their references, and the loop."""
