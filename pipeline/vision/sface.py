"""SFace: a MobileFaceNet trained with the loss of Zhong et al., "SFace", 2021.

OpenCV Zoo `face_recognition_sface_2021dec.onnx`, Apache-2.0: (N, 3, 112, 112) R G B crops, 0 to 255
as they are (the network scales them itself), laid onto ArcFace's five points; 128 values, compared
by cosine. These are the facts of OpenCV's own `cv::FaceRecognizerSF` (`alignCrop` and `feature` in
modules/objdetect/src/face_recognize.cpp). Its accuracy on LFW is published as 0.9940 (OpenCV Zoo)
and 0.9960 (OpenCV's tutorial).
"""

from pipeline.vision.onnx_embedder import Colour, CropFormat

SFACE_CROPS = CropFormat(side_px=112, colour=Colour.RGB, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
