"""IHE MHD: documents are provided, found and retrieved as resources. https://profiles.ihe.net/ITI/MHD/."""
