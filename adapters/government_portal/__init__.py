"""The Government's portal (Cổng thông tin điện tử Chính phủ) as one who is told figures."""
