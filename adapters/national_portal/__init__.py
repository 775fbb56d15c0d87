"""The national public-service portal (Cổng Dịch vụ công quốc gia) as a receiver of changes."""
