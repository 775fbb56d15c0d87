"""Business registration at Sở Kế hoạch và Đầu tư: dossiers in process, and the company look-up."""
