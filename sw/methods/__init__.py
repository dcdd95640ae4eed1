"""The paper's criteria and corrections, as layers of a PyTorch model."""
