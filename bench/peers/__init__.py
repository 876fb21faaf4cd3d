"""What Quarterdeck is compared with."""
