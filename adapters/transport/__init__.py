"""Department of Transport: driving licences, over the SOAP service of 2014 or the JSON list."""
