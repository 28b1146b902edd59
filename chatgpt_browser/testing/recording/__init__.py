"""Record real conversations without their secrets, and replay them."""
