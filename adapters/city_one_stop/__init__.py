"""One-stop app of Sở TT&TT (Đông Hà, Vĩnh Linh): a SOAP exchange that goes both ways."""
